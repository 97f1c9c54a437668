internal import ArgumentParser
internal import GRPC

/// Many large calls, of which a few may fail
/// (github.com/grpc/grpc, doc/interop-test-descriptions.md, "rpc_soak", "channel_soak").
struct Soak: ParsableArguments {
  @Option(name: .customLong("soak_iterations"), help: "Calls of a soak.")
  var iterations = 10
  @Option(name: .customLong("soak_num_threads"), help: "Calls of a soak at one time.")
  var threads = 1
  @Option(name: .customLong("soak_max_failures"), help: "Calls of a soak that may fail.")
  var failuresMax = 0
  @Option(
    name: .customLong("soak_per_iteration_max_acceptable_latency_ms"),
    help: "A call of a soak that takes longer has failed.")
  var latencyMaxMilliseconds = 1000
  @Option(
    name: .customLong("soak_min_time_ms_between_rpcs"),
    help: "Least time from the start of a call to that of the next.")
  var intervalMinMilliseconds = 0
  @Option(name: .customLong("soak_overall_timeout_seconds"), help: "How long a soak may take.")
  var timeoutSeconds = 10
  @Option(name: .customLong("soak_request_size"), help: "Payload of a soak's requests in bytes.")
  var requestBytes = Cases.requestBytes
  @Option(name: .customLong("soak_response_size"), help: "Payload of a soak's responses in bytes.")
  var responseBytes = Cases.responseBytes

  /// What became of the calls, as far as they were made.
  private struct Outcome {
    var calls = 0
    var worst = Duration.zero
    var failures: [String] = []
  }

  func validate() throws {
    guard iterations > 0, threads > 0 else {
      throw ValidationError("a soak has at least one call and one thread")
    }
  }

  /// Makes the calls, each with what `connect` gives for it.
  func run(
    _ connect: @escaping @Sendable () -> Cases, _ release: @escaping @Sendable (Cases) -> Void
  ) async throws {
    let end = ContinuousClock.now + .seconds(timeoutSeconds)
    let outcome = await withTaskGroup(of: Outcome.self) { group in
      for thread in 0..<threads {
        let share = iterations / threads + (thread < iterations % threads ? 1 : 0)
        group.addTask { await calls(share, before: end, connect, release) }
      }
      return await group.reduce(into: Outcome()) { sum, part in
        sum.calls += part.calls
        sum.worst = max(sum.worst, part.worst)
        sum.failures += part.failures
      }
    }
    try expect(
      outcome.calls == iterations, "only \(outcome.calls) calls in \(timeoutSeconds) s")
    try expect(
      outcome.failures.count <= failuresMax,
      "\(outcome.failures.count) of \(iterations) calls failed, worst latency \(outcome.worst): "
        + outcome.failures.prefix(3).joined(separator: "; "))
  }

  private func calls(
    _ count: Int, before end: ContinuousClock.Instant, _ connect: () -> Cases,
    _ release: (Cases) -> Void
  ) async -> Outcome {
    var outcome = Outcome()
    for _ in 0..<count where ContinuousClock.now < end {
      let next = ContinuousClock.now + .milliseconds(intervalMinMilliseconds)
      let cases = connect()
      do {
        let latency = try await ContinuousClock().measure {
          try await cases.large(
            Cases.largeRequest(requestBytes, responseBytes), cases.options)
        }
        outcome.worst = max(outcome.worst, latency)
        if latency > .milliseconds(latencyMaxMilliseconds) {
          outcome.failures.append("a call took \(latency)")
        }
      } catch {
        outcome.failures.append("\(error)")
      }
      release(cases)
      outcome.calls += 1
      // Throws only when the task is cancelled, and nothing cancels it.
      try? await Task.sleep(until: next)
    }
    return outcome
  }
}
