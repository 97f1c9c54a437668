import HTTP2
import Messages
import NIOConcurrencyHelpers
import Testing

@testable import GRPC

/// Channels over several servers, and connections that come, go and fall silent.
@Suite(.timeLimit(.minutes(1))) struct ChannelTests {
  /// A server that says which one it is.
  private struct Named: GRPCService {
    let name: String
    static let method = MethodDescriptor(service: "baton.test.Named", method: "Name")
    var methods: [MethodHandler] { [.unary(Self.method) { (_: Text, _) in Text(name) }] }
  }

  private static var withoutPingLimits: ServerConfiguration {
    var configuration = ServerConfiguration()
    configuration.connections.pingIntervalMin = nil
    configuration.connections.pingIntervalMinWithoutCalls = nil
    return configuration
  }

  private let loopback = Address.tcp(host: "127.0.0.1", port: 0)

  private func server(_ name: String) async throws -> (GRPCServer, Address, Probe) {
    let probe = Probe()
    let server = GRPCServer(
      services: [Named(name: name), probe], configuration: Self.withoutPingLimits)
    return (server, try await server.start(on: loopback), probe)
  }

  private func quickly(_ balancing: LoadBalancing = .pickFirst) -> ChannelConfiguration {
    ChannelConfiguration(
      loadBalancing: balancing, resolutionInterval: .zero,
      backoff: Backoff(initial: .milliseconds(10), max: .milliseconds(20)))
  }

  private func name(_ channel: ClientChannel) async throws -> String {
    let answer: Text = try await channel.unary(
      Named.method, Text(), CallOptions(waitForReady: true))
    return answer.service
  }

  @Test func inTurnOverServersOfWhichOneDies() async throws {
    let (first, firstAddress, _) = try await server("a")
    let (second, secondAddress, _) = try await server("b")
    let channel = ClientChannel(
      addresses: [firstAddress, secondAddress], configuration: quickly(.roundRobin))
    // Both are in use as soon as both are connected; then strictly in turn.
    var names = ""
    while !names.hasSuffix("abab") { names += try await name(channel) }
    try await first.shutdown(grace: .zero)
    // Whatever was on its way to the first is sent again to the second.
    for _ in 0..<100 { #expect(try await name(channel) == "b") }
    // It comes back.
    let third = GRPCServer(services: [Named(name: "c")])
    try await third.start(on: firstAddress)
    names = ""
    while !names.hasSuffix("cbcb") { names += try await name(channel) }
    channel.close()
    try await second.shutdown(grace: .zero)
    try await third.shutdown(grace: .zero)
  }

  @Test func theFirstThatAnswersIsKept() async throws {
    let (gone, goneAddress, _) = try await server("gone")
    try await gone.shutdown(grace: .zero)
    let (first, firstAddress, probe) = try await server("a")
    let (second, secondAddress, _) = try await server("b")
    let channel = ClientChannel(
      addresses: [goneAddress, firstAddress, secondAddress], configuration: quickly())
    for _ in 0..<20 { #expect(try await name(channel) == "a") }
    // A server that goes away finishes what it began; new calls go to the next.
    async let held = channel.text("Hold", "kept")
    await probe.record.wait(for: "held")
    async let shutdown: Void = first.shutdown(grace: .seconds(3600))
    while try await name(channel) == "a" {}
    #expect(try await name(channel) == "b")
    probe.record.note("release")
    #expect(try await held == "kept")
    try await shutdown
    channel.close()
    try await second.shutdown(grace: .zero)
  }

  /// Names that lead wherever they are pointed.
  private final class Directory: NameResolver {
    private let ports: NIOLockedValueBox<[Int]>
    private let count = NIOLockedValueBox(0)

    init(_ addresses: Address...) { ports = NIOLockedValueBox(Self.ports(addresses)) }

    func point(at addresses: Address...) {
      ports.withLockedValue { $0 = Self.ports(addresses) }
    }

    var lookups: Int { count.withLockedValue { $0 } }

    private static func ports(_ addresses: [Address]) -> [Int] {
      addresses.compactMap { if case .tcp(_, let port) = $0 { port } else { nil } }
    }

    func resolve(_ host: String, port: Int) async throws -> [Address] {
      count.withLockedValue { $0 += 1 }
      #expect(host == "somewhere.test")
      return ports.withLockedValue { $0.map { .tcp(host: "127.0.0.1", port: $0) } }
    }
  }

  @Test(arguments: [LoadBalancing.pickFirst, .roundRobin])
  func aNameThatMoves(balancing: LoadBalancing) async throws {
    let (first, firstAddress, _) = try await server("a")
    let (second, secondAddress, _) = try await server("b")
    let directory = Directory()
    var configuration = quickly(balancing)
    configuration.resolver = directory
    let channel = try ClientChannel(
      target: "dns:///somewhere.test:80", configuration: configuration)
    // It leads nowhere at first.
    let error = await channel.failure("Echo")
    #expect(error?.code == .unavailable)
    #expect(error?.neverSent == true)
    async let answer = name(channel)
    directory.point(at: firstAddress)
    #expect(try await answer == "a")
    let lookups = directory.lookups
    for _ in 0..<10 { _ = try await name(channel) }
    #expect(directory.lookups == lookups)
    directory.point(at: secondAddress)
    try await first.shutdown(grace: .zero)
    #expect(try await name(channel) == "b")
    channel.close()
    try await second.shutdown(grace: .zero)
  }

  @Test func namesOfTheSystem() async throws {
    let (server, address, _) = try await server("a")
    guard case .tcp(_, let port) = address else { return }
    let channel = try ClientChannel(target: "dns:///localhost:\(port)", configuration: quickly())
    #expect(try await name(channel) == "a")
    channel.close()
    let nowhere = try ClientChannel(target: "no.such.name.invalid:1", configuration: quickly())
    let error = await nowhere.failure("Echo")
    #expect(error?.code == .unavailable)
    #expect(error?.cause?.contains("no.such.name.invalid") == true)
    nowhere.close()
    try await server.shutdown(grace: .zero)
  }

  @Test func connectivityIsTold() async throws {
    let (server, address, _) = try await server("a")
    var configuration = quickly()
    configuration.backoff = Backoff(initial: .seconds(3600), max: .seconds(3600))
    let channel = ClientChannel(address: address, configuration: configuration)
    #expect(channel.connectivity == .idle)
    var changes = channel.connectivityChanges.makeAsyncIterator()
    #expect(await changes.next() == .idle)
    channel.connect()
    #expect(await changes.next() == .connecting)
    #expect(await changes.next() == .ready)
    #expect(try await name(channel) == "a")
    #expect(channel.connectivity == .ready)
    try await server.shutdown(grace: .zero)
    #expect(await changes.next() == .idle)
    #expect(await channel.failure("Echo")?.code == .unavailable)
    #expect(await changes.next() == .connecting)
    #expect(await changes.next() == .transientFailure)
    channel.close()
    #expect(await changes.next() == .shutdown)
    #expect(await changes.next() == nil)
    #expect(channel.connectivity == .shutdown)
  }

  @Test func anIdleChannelDisconnects() async throws {
    let (server, address, probe) = try await server("a")
    var configuration = quickly()
    configuration.idleTimeout = .milliseconds(200)
    let channel = ClientChannel(address: address, configuration: configuration)
    var changes = channel.connectivityChanges.makeAsyncIterator()
    #expect(await changes.next() == .idle)
    for _ in 0..<2 {
      #expect(try await name(channel) == "a")
      // A call that lasts longer than that is no idleness: it ends by its own deadline.
      let options = CallOptions(timeout: .milliseconds(600))
      #expect(await channel.failure("Wait", "", options)?.code == .deadlineExceeded)
      #expect(await changes.next() == .connecting)
      #expect(await changes.next() == .ready)
      #expect(await changes.next() == .idle)
    }
    await probe.record.wait(for: "cancelled")
    // No connection is left that the server would wait for.
    try await server.shutdown(grace: .seconds(3600))
    channel.close()
  }

  @Test func aSilentConnectionIsGivenUp() async throws {
    let (server, address, probe) = try await server("a")
    guard case .tcp(_, let port) = address else { return }
    let relay = try await Relay.start(onward: port)
    var configuration = quickly()
    // Long enough for a living server on a busy machine.
    configuration.keepalive = Keepalive(time: .milliseconds(50), timeout: .seconds(1))
    let channel = ClientChannel(
      addresses: [.tcp(host: "127.0.0.1", port: relay.port), address],
      configuration: configuration)
    async let failure = channel.failure("Wait")
    await probe.record.wait(for: "waiting")
    relay.stall()
    let error = await failure
    #expect(error?.code == .unavailable)
    #expect(error?.neverSent == false)
    #expect(error?.cause?.contains("PING") == true)
    // The relay still accepts but says nothing, so the other address is used.
    try await relay.stop()
    #expect(try await name(channel) == "a")
    channel.close()
    try await server.shutdown(grace: .zero)
  }

  @Test func aLivingConnectionIsKept() async throws {
    try await withProbe(
      server: Self.withoutPingLimits,
      channel: ChannelConfiguration(
        keepalive: Keepalive(time: .milliseconds(20), timeout: .seconds(20)))
    ) { channel, _, _ in
      let answer = try await channel.text("Echo", "ready")
      #expect(answer == "ready")
      let options = CallOptions(timeout: .milliseconds(300))
      #expect(await channel.failure("Wait", "", options)?.code == .deadlineExceeded)
      #expect(channel.connectivity == .ready)
    }
  }

  @Test func aServerThatIsPingedTooOftenIsPingedLess() async throws {
    let keepalive = Keepalive(time: .milliseconds(10), timeout: .seconds(20), withoutCalls: true)
    let configuration = ChannelConfiguration(keepalive: keepalive)
    try await withProbe(channel: configuration) { channel, _, _ in
      let error = await channel.failure("Wait", "", CallOptions(timeout: .seconds(30)))
      #expect(error?.code == .unavailable)
      #expect(await channel.currentKeepalive?.time == .milliseconds(20))
      let answer = try await channel.text("Echo", "again")
      #expect(answer == "again")
    }
  }

  @Test func noMoreCallsAtATimeThanTheServerAllows() async throws {
    let configuration = ServerConfiguration(
      http2: HTTP2SessionConfiguration(concurrentStreamsMax: 3))
    try await withProbe(server: configuration) { channel, _, _ in
      try await withThrowingTaskGroup(of: String.self) { group in
        for index in 0..<200 { group.addTask { try await channel.text("Hop", "\(index)") } }
        var answers: Set<String> = []
        for try await answer in group { answers.insert(answer) }
        #expect(answers.count == 200)
      }
      // Calls that wait for their turn can be given up.
      let options = CallOptions(timeout: .milliseconds(100))
      let codes = await withTaskGroup(of: StatusCode?.self) { group in
        for _ in 0..<10 { group.addTask { await channel.failure("Wait", "", options)?.code } }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(codes == Array(repeating: .deadlineExceeded, count: 10))
      #expect(try await channel.text("Echo", "after") == "after")
    }
  }
}
