import Messages
import Testing

@testable import GRPC

/// Channels to grpcio's servers that come, go and fall silent.
@Suite(.timeLimit(.minutes(1))) struct PythonChannelTests {
  private func channel(
    _ addresses: Address..., change: (inout ChannelConfiguration) -> Void = { _ in }
  ) -> ClientChannel {
    var configuration = ChannelConfiguration(
      backoff: Backoff(initial: .milliseconds(10), max: .milliseconds(20)))
    change(&configuration)
    return ClientChannel(addresses: addresses, configuration: configuration)
  }

  /// The process that answers, and which of the channel's connections it answers on.
  private func answerer(
    _ channel: ClientChannel, waitForReady: Bool = true
  ) async throws -> (process: String, connection: String) {
    let options = CallOptions(waitForReady: waitForReady)
    let parts = try await channel.text("WhoAmI", "", options).split(separator: " ")
    return (String(parts[0]), String(parts[1]))
  }

  @Test func inTurnOverTwoOfWhichOneDies() async throws {
    let (first, second) = (try await PythonPeer.start(), try await PythonPeer.start())
    defer { second.stop() }
    let channel = channel(first.address, second.address) { $0.loadBalancing = .roundRobin }
    var processes: [String] = []
    while Set(processes.suffix(4)).count < 2 || processes.count < 4 {
      processes.append(try await answerer(channel).process)
    }
    await first.end()
    // A call that the dying server had begun may fail; whatever comes after goes to the other.
    while await channel.failure("Echo") != nil {}
    var survivors: Set<String> = []
    for _ in 0..<50 { survivors.insert(try await answerer(channel, waitForReady: false).process) }
    #expect(survivors.count == 1)
    channel.close()
  }

  @Test func connectionsThatGrowOld() async throws {
    let server = try await PythonPeer.start([
      "grpc.max_connection_age_ms=100", "grpc.max_connection_age_grace_ms=60000",
    ])
    defer { server.stop() }
    let channel = channel(server.address)
    // No call is lost by a connection's end, neither those that come nor one that stays.
    let chat: BidirectionalCall<Text, Text> = try await channel.bidirectionalStreaming(
      Probe.method("Talk"))
    var answers = chat.responses.makeAsyncIterator()
    var connections: Set<String> = []
    while connections.count < 4 {
      let found = try await withThrowingTaskGroup(of: String.self) { group in
        for _ in 0..<8 {
          group.addTask { try await answerer(channel).connection }
        }
        return try await group.reduce(into: Set<String>()) { $0.insert($1) }
      }
      connections.formUnion(found)
      try await chat.requests.write(Text("still there"))
      #expect(try await answers.next()?.service == "still there")
    }
    chat.requests.finish()
    #expect(try await answers.next() == nil)
    channel.close()
  }

  @Test func aConnectionThatFallsSilent() async throws {
    let server = try await PythonPeer.start([
      "grpc.http2.min_ping_interval_without_data_ms=1", "grpc.http2.max_ping_strikes=0",
      "grpc.http2.min_recv_ping_interval_without_data_ms=1",
    ])
    defer { server.stop() }
    let relay = try await Relay.start(onward: server.port)
    let channel = channel(.tcp(host: "127.0.0.1", port: relay.port), server.address) {
      $0.keepalive = Keepalive(time: .milliseconds(100), timeout: .milliseconds(200))
    }
    #expect(try await channel.text("Echo", "a") == "a")
    relay.stall()
    // Nobody would answer this call.
    let error = await channel.failure("Echo", "b")
    #expect(error?.code == .unavailable)
    #expect(error?.cause?.contains("PING") == true)
    try await relay.stop()
    #expect(try await channel.text("Echo", "c", CallOptions(waitForReady: true)) == "c")
    channel.close()
  }

  @Test func aServerThatIsPingedTooOftenIsPingedLess() async throws {
    let server = try await PythonPeer.start()
    defer { server.stop() }
    let channel = channel(server.address) {
      $0.keepalive = Keepalive(time: .milliseconds(10), withoutCalls: true)
    }
    let error = await channel.failure("Wait", "", CallOptions(timeout: .seconds(30)))
    #expect(error?.code == .unavailable)
    #expect(await channel.currentKeepalive?.time == .milliseconds(20))
    channel.close()
  }

  @Test func theDeadlineIsPassedOnToPython() async throws {
    try await PythonPeer.withServer { port in
      let onward = ClientChannel(address: .tcp(host: "127.0.0.1", port: port))
      var probe = Probe()
      probe.onward = onward
      try await withProbe(probe) { channel, _, _ in
        let options = CallOptions(timeout: .seconds(100))
        let left = try await channel.text("Relay", "Remaining", options)
        #expect((90...100).contains(Int(left) ?? 0))
        let none = try await channel.text("Relay", "Remaining")
        #expect(none == "none")
      }
      onward.close()
    }
  }
}
