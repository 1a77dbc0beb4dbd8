import type { HttpPeerClient } from '../http-peer-client.js';
import type { PeerLink } from './peer-link.js';

/** Bounds the questions that this process has open to one peer: by GET, and over every link to it that is not closed. */
export class OpenQuestions {
  readonly #http: Pick<HttpPeerClient, 'openRequests'>;
  readonly #max: number;
  #link: Pick<PeerLink, 'openQuestions'> | undefined;
  /** Links before this one, on which some are open still. */
  #former: readonly Pick<PeerLink, 'openQuestions'>[] = [];

  constructor(http: Pick<HttpPeerClient, 'openRequests'>, max: number) {
    this.#http = http;
    this.#max = max;
  }

  /** Whether there is room for one more. `link` is the one that the peer is asked on now, if there is one. */
  hasRoomOn(link: Pick<PeerLink, 'openQuestions'> | undefined): boolean {
    if (link !== this.#link) this.#change(link);
    let open = this.#http.openRequests + (link?.openQuestions ?? 0);
    if (this.#former.length > 0) {
      this.#former = this.#former.filter(({ openQuestions }) => openQuestions > 0);
      for (const { openQuestions } of this.#former) open += openQuestions;
    }
    return open < this.#max;
  }

  #change(link: Pick<PeerLink, 'openQuestions'> | undefined): void {
    if (this.#link !== undefined) this.#former = [...this.#former, this.#link];
    this.#former = this.#former.filter((former) => former !== link);
    this.#link = link;
  }
}
