export { InMemoryNetwork, type InMemoryNetworkOptions, type InMemoryPeer } from './in-memory-network.js';
export { LocalCluster, type LocalClusterOptions, type LocalPeer } from './local-cluster.js';
export { ManualClock } from './manual-clock.js';
export { peerClientContract, type ContractCase, type PeerClientHarness } from './peer-client-contract.js';
