/// Which of a channel's addresses a call goes to (github.com/grpc/grpc, doc/load-balancing.md).
public enum LoadBalancing: Sendable, Hashable {
  /// All to the first address that can be connected to, tried in order.
  case pickFirst
  /// In turn to all that can be connected to.
  case roundRobin
}
