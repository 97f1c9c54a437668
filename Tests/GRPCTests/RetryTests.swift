import HTTP2
import Messages
import Testing

@testable import GRPC

/// Calls that are tried again although the server may have seen them.
@Suite struct RetryTests {
  private func status(_ code: String, pushback: String? = nil) -> ClientCallMachine.Event {
    var headers = HeaderBlock()
    headers.append(":status", "200")
    headers.append("content-type", "application/grpc")
    headers.append("grpc-status", code)
    if let pushback { headers.append("grpc-retry-pushback-ms", pushback) }
    return .headers(headers, endStream: true)
  }

  private var begin: ClientCallMachine.Event {
    var headers = HeaderBlock()
    headers.append(":status", "200")
    headers.append("content-type", "application/grpc")
    return .headers(headers, endStream: false)
  }

  /// What the events lead to: a delay, or the code that the call ends with.
  private func run(
    _ events: [ClientCallMachine.Event], policy: RetryPolicy? = RetryPolicy(attemptsMax: 4)
  ) -> [String] {
    var machine = ClientCallMachine(refusalsMax: 0, policy: policy)
    return events.map { event in
      switch machine.receive(event) {
      case .none: "none"
      case .begin: "begin"
      case .retryLater(.backoff(let number), _, _): "backoff \(number)"
      case .retryLater(.exactly(let delay), _, _): "exactly \(delay / .milliseconds(1))"
      case .end(let error, _, _): "\(error?.code ?? .ok)"
      case .read, .retry: "other"
      }
    }
  }

  @Test func whatIsRetried() {
    let unavailable = status("14")
    // Until the attempts are used up.
    #expect(
      run([unavailable, unavailable, unavailable, unavailable])
        == ["backoff 1", "backoff 2", "backoff 3", "UNAVAILABLE"])
    #expect(run([unavailable, status("0")]) == ["backoff 1", "OK"])
    // A lost connection, a reset stream and a proxy's 503 are no different.
    #expect(
      run([
        .connectionLost(reason: "", requestSent: true), .closed(.refusedStream, requestSent: true),
        unavailable,
      ]) == ["backoff 1", "backoff 2", "backoff 3"])
    // Other codes, and calls that must not be sent twice, are not.
    #expect(run([status("5")]) == ["NOT_FOUND"])
    #expect(run([unavailable], policy: nil) == ["UNAVAILABLE"])
    // Nor what has begun, or is not all there any more.
    #expect(run([begin, unavailable]) == ["begin", "UNAVAILABLE"])
    #expect(run([.committed, unavailable]) == ["none", "UNAVAILABLE"])
  }

  @Test func theServerSaysWhen() {
    #expect(
      run([status("14"), status("14", pushback: "7"), status("14")])
        == ["backoff 1", "exactly 7.0", "backoff 1"])
    for stop in ["-1", "soon", "", "99999999999"] {
      #expect(run([status("14", pushback: stop)]) == ["UNAVAILABLE"])
    }
    // It decides when, not whether.
    #expect(run([status("5", pushback: "7")]) == ["NOT_FOUND"])
  }

  @Test func tooManyFailuresStopRetries() {
    /// Tokens after each event, and whether a failure may be retried; nil: a success.
    func run(_ throttling: RetryPolicy.Throttling?, _ events: [StatusCode?]) -> [String] {
      var throttle = RetryThrottle(RetryPolicy(throttling: throttling))
      return events.map { code in
        guard let code else {
          throttle.succeeded()
          return "\(throttle.tokens)"
        }
        return throttle.failed(code) ? "\(throttle.tokens) again" : "\(throttle.tokens)"
      }
    }
    #expect(
      run(
        .init(tokensMax: 4, tokensPerSuccess: 0.5),
        [.unavailable, .notFound, .unavailable, nil, nil, nil, .unavailable, nil, nil, nil, nil])
        == [
          "3.0 again", "3.0", "2.0", "2.5", "3.0", "3.5", "2.5 again", "3.0", "3.5", "4.0", "4.0",
        ])
    #expect(run(nil, [.unavailable, .unavailable]) == ["0.0 again", "0.0 again"])
    var none = RetryThrottle(nil)
    let isAllowed = none.failed(.unavailable)
    #expect(!isAllowed)
  }

  private func channel(_ port: Int, _ policy: RetryPolicy) -> ClientChannel {
    ClientChannel(
      address: .tcp(host: "127.0.0.1", port: port),
      configuration: ChannelConfiguration(retry: policy))
  }

  @Test func withPython() async throws {
    try await PythonPeer.withServer { port in
      let quick = RetryPolicy(
        attemptsMax: 4, backoff: Backoff(initial: .milliseconds(1), max: .milliseconds(2)),
        throttling: nil)
      let again = CallOptions(isIdempotent: true)
      let channel = channel(port, quick)
      #expect(try await channel.text("Flaky", "a 3 none", again) == "4 3")
      #expect(try await channel.text("Flaky", "b 2 1", again) == "3 2")
      #expect(await channel.failure("Flaky", "c 4 none", again)?.code == .unavailable)
      #expect(try await channel.text("AttemptsOf", "c") == "4")
      #expect(await channel.failure("Flaky", "d 1 -1", again)?.code == .unavailable)
      #expect(try await channel.text("AttemptsOf", "d") == "1")
      #expect(await channel.failure("Flaky", "e 1 none")?.code == .unavailable)
      #expect(try await channel.text("AttemptsOf", "e") == "1")
      // One deadline for all attempts.
      let limited = CallOptions(timeout: .milliseconds(300), isIdempotent: true)
      #expect(await channel.failure("Flaky", "f 1 60000", limited)?.code == .deadlineExceeded)
      // All requests are sent again.
      let joining: ClientStreamingCall<Text, Text> = try await channel.clientStreaming(
        Probe.method("FlakyJoin"), again)
      for text in ["one", "two", "three"] { try await joining.requests.write(Text(text)) }
      joining.requests.finish()
      #expect(try await joining.response().message.service == "2 onetwothree")
      channel.close()

      let throttled = self.channel(
        port,
        RetryPolicy(
          attemptsMax: 5, backoff: quick.backoff,
          throttling: .init(tokensMax: 4, tokensPerSuccess: 0.1)))
      #expect(await throttled.failure("Flaky", "g 4 none", again)?.code == .unavailable)
      #expect(try await throttled.text("AttemptsOf", "g") == "2")
      throttled.close()
    }
  }
}
