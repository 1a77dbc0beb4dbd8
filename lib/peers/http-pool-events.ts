import type { InvalidOptionError, PeerError } from '../core/errors.js';

/** Changes of state that a pool tells about. Listeners must not throw. */
export interface HttpPoolEvents {
  /** The list of peers has changed: what it is now, what came, what went. */
  peersChanged: [change: { readonly peers: readonly string[]; readonly added: string[]; readonly removed: string[] }];
  /** A peer is not there: others take its keys. Told once, until it is back. */
  peerFailing: [failure: { readonly peer: string; readonly error: PeerError }];
  /** A peer has said that it leaves: others take its keys. */
  peerLeaving: [leaving: { readonly peer: string }];
  /** A link to a peer is open, whichever of the two has dialed it. */
  linkOpened: [link: { readonly peer: string }];
  /** There is no link to a peer any more. */
  linkClosed: [link: { readonly peer: string }];
  /** A peer has another ring or list than this process. Told once, until a later link has shown otherwise. */
  ringDiffers: [difference: { readonly peer: string }];
  /** Several processes come in turn as one peer. Told once, until one comes that has not been there before. */
  urlShared: [sharing: { readonly peer: string }];
  /** A peer that was failing or leaving is there again. */
  peerRecovered: [recovery: { readonly peer: string }];
  /** New connections use what the files of `tls` have now; `expires`: the end of this process's certificate. */
  tlsReloaded: [reload: { readonly expires: Date | undefined }];
  /** The files of `tls` have what can't be used; what was read before stays. Told once, until they have what can. */
  tlsReloadFailed: [failure: { readonly error: InvalidOptionError }];
}
