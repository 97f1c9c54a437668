internal import GRPC

/// Many large calls, one after the other; a few of them may fail
/// (github.com/grpc/grpc, doc/interop-test-descriptions.md, "rpc_soak", "channel_soak").
struct Soak {
  let iterations: Int
  let failuresMax: Int
  /// A call that takes longer has failed.
  let latencyMax: Duration
  /// For all calls together.
  let timeout: Duration

  /// Makes the calls, each on the channel that `connect` gives for it.
  func run(_ connect: () async throws -> Cases, _ release: (Cases) -> Void) async throws {
    let clock = ContinuousClock()
    let end = clock.now + timeout
    var latencies: [Duration] = []
    var failures: [String] = []
    for iteration in 0..<iterations {
      try expect(clock.now < end, "only \(iteration) calls in \(timeout)")
      let cases = try await connect()
      defer { release(cases) }
      do {
        let latency = try await clock.measure { try await cases.largeUnary() }
        latencies.append(latency)
        if latency > latencyMax { failures.append("a call took \(latency)") }
      } catch {
        failures.append("\(error)")
      }
    }
    let worst = latencies.max() ?? .zero
    try expect(
      failures.count <= failuresMax,
      "\(failures.count) of \(iterations) calls failed, worst latency \(worst): "
        + failures.prefix(3).joined(separator: "; "))
  }
}
