internal import Synchronization

/// Refuses calls beyond so many at a time with RESOURCE_EXHAUSTED and a time to wait
/// (google.rpc.RetryInfo), before anything of them is decoded.
public struct ConcurrencyLimit: ServerInterceptor {
  private let callsMax: Int
  private let retryDelay: Duration
  private let exempt: Set<String>

  /// - Parameters:
  ///   - callsMax: calls that one server works on at a time.
  ///   - retryDelay: what a refused caller is told to wait.
  ///   - exempt: full names of services that are neither counted nor refused: a server must say how
  ///     it is when it is busy, too.
  public init(
    callsMax: Int, retryDelay: Duration = .seconds(1),
    exempt: Set<String> = ["grpc.health.v1.Health"]
  ) {
    self.callsMax = callsMax
    self.retryDelay = retryDelay
    self.exempt = exempt
  }

  public func bound(to methods: [MethodDescriptor]) -> any ServerInterceptor {
    Bound(self, methods.map { exempt.contains($0.service) })
  }

  private final class Bound: ServerInterceptor {
    private let callsMax: Int
    private let isExempt: [Bool]
    private let refusal: RPCError
    private let calls = Atomic(0)

    init(_ limit: ConcurrencyLimit, _ isExempt: [Bool]) {
      callsMax = limit.callsMax
      self.isExempt = isExempt
      refusal = RPCError(
        code: .resourceExhausted, reason: "TOO_MANY_CALLS",
        message: "the server works on \(limit.callsMax) calls already",
        metadata: ["limit": "\(limit.callsMax)"], retryDelay: limit.retryDelay)
    }

    func callStarted(_ context: ServerContext) throws(RPCError) {
      guard !isExempt[context.methodIndex] else { return }
      guard calls.add(1, ordering: .relaxed).newValue <= callsMax else {
        calls.subtract(1, ordering: .relaxed)
        throw refusal
      }
    }

    func callEnded(_ context: ServerContext, status: RPCError?) {
      if !isExempt[context.methodIndex] { calls.subtract(1, ordering: .relaxed) }
    }
  }
}
