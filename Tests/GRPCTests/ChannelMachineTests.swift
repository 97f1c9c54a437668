import NIOCore
import Testing

@testable import GRPC

/// Each row is the life of a channel: what happens, and what is done about it, in order.
@Suite struct ChannelMachineTests {
  enum Step {
    case call
    case patientCall
    case event(ChannelMachine.Event)

    static func resolved(_ ports: Int..., waiting: Bool = false) -> Step {
      .event(.resolved(ports.map { .tcp(host: "::1", port: $0) }, isAnyoneWaiting: waiting))
    }
    static func ready(_ id: Int) -> Step { .event(.ready(id)) }
    static func lost(_ id: Int) -> Step { .event(.lost(id, wasOfUse: true)) }
    /// Right after it was made.
    static func hungUp(_ id: Int) -> Step { .event(.lost(id, wasOfUse: false)) }
    static func timer(_ id: Int, waiting: Bool = false) -> Step {
      .event(.timer(id, isAnyoneWaiting: waiting))
    }
    static let connect = Step.event(.connect)
  }

  /// What a step led to, as text.
  private func run(_ step: Step, _ machine: inout ChannelMachine) -> String {
    switch step {
    case .call: name(machine.pick(waitForReady: false))
    case .patientCall: name(machine.pick(waitForReady: true))
    case .event(let event): machine.receive(event).map(name).joined(separator: ", ")
    }
  }

  private func name(_ pick: ChannelMachine.Pick) -> String {
    switch pick {
    case .send(let id): "send \(id)"
    case .queue: "queue"
    case .queueAndConnect: "queue, connect"
    case .fail: "fail"
    }
  }

  private func name(_ action: ChannelMachine.Action) -> String {
    switch action {
    case .resolve: "resolve"
    case .backOffResolution(let failures): "back off resolution \(failures)"
    case .add(let id, let address): "add \(id) \(address)"
    case .remove(let id): "remove \(id)"
    case .connect(let id): "connect \(id)"
    case .backOff(let id, let failures): "back off \(id) \(failures)"
    case .sendQueued: "send queued"
    case .failQueued: "fail queued"
    case .failAllAndDisconnect: "fail all"
    }
  }

  private func check(_ machine: ChannelMachine, _ steps: [(Step, String)]) {
    var machine = machine
    for (number, (step, expected)) in steps.enumerated() {
      #expect(run(step, &machine) == expected, "step \(number): \(step)")
    }
  }

  /// The first call of a channel.
  private func start(_ ports: Step, _ expected: String) -> [(Step, String)] {
    [(.call, "queue, connect"), (.connect, "resolve"), (ports, expected)]
  }

  private var one: [(Step, String)] { start(.resolved(1), "add 0 [::1]:1, connect 0") }

  @Test func oneAddress() {
    let machine = ChannelMachine(.pickFirst, hasNames: false)
    // Connects at the first call; later ones wait, then are sent.
    check(machine, one + [(.call, "queue"), (.ready(0), "send queued"), (.call, "send 0")])
    // Cannot connect: calls fail; in the backoff only the patient wait.
    check(
      machine,
      one + [
        (.lost(0), "back off 0 1, fail queued"), (.call, "fail"), (.patientCall, "queue"),
        (.timer(0, waiting: true), "connect 0"), (.ready(0), "send queued"),
      ])
    check(
      machine,
      one + [
        (.lost(0), "back off 0 1, fail queued"), (.timer(0), ""), (.call, "queue, connect"),
        (.connect, "connect 0"), (.connect, ""),
      ])
    // Failures add up until a connection is there.
    check(
      machine,
      one + [
        (.lost(0), "back off 0 1, fail queued"), (.timer(0, waiting: true), "connect 0"),
        (.lost(0), "back off 0 2, fail queued"), (.timer(0, waiting: true), "connect 0"),
        (.ready(0), "send queued"), (.lost(0), ""), (.connect, "connect 0"),
        (.lost(0), "back off 0 1, fail queued"),
      ])
    // Without anybody who calls nothing is connected, so there is nothing to wait for.
    check(
      machine,
      one + [
        (.ready(0), "send queued"), (.hungUp(0), ""), (.call, "queue, connect"),
        (.connect, "connect 0"),
      ])
    // Closed for good; late news changes nothing.
    check(
      machine,
      one + [
        (.event(.close), "fail all"), (.call, "fail"), (.ready(0), ""), (.lost(0), ""),
        (.timer(0), ""), (.event(.close), ""),
      ])
    // Nobody called for long: everything again at the next call.
    check(
      machine,
      one + [
        (.ready(0), "send queued"), (.event(.idle), "remove 0"), (.lost(0), ""),
        (.call, "queue, connect"), (.connect, "resolve"),
        (.resolved(1), "add 1 [::1]:1, connect 1"),
      ])
  }

  @Test func theFirstOfSeveral() {
    let machine = ChannelMachine(.pickFirst, hasNames: true)
    let start = start(
      .resolved(1, 2, 1, 3), "add 0 [::1]:1, add 1 [::1]:2, add 2 [::1]:3, connect 0")
    // One after the other until one answers; that one keeps all calls until it is lost.
    check(
      machine,
      start + [
        (.lost(0), "back off 0 1, connect 1, resolve"), (.call, "queue"),
        (.ready(1), "send queued"), (.call, "send 1"), (.call, "send 1"), (.timer(0), ""),
        (.lost(1), "resolve"), (.call, "queue, connect"), (.connect, "connect 0"),
      ])
    // Nobody answers.
    check(
      machine,
      start + [
        (.lost(0), "back off 0 1, connect 1, resolve"),
        (.lost(1), "back off 1 1, connect 2, resolve"),
        (.lost(2), "back off 2 1, fail queued, resolve"), (.call, "fail"),
        (.timer(1, waiting: true), "connect 1"), (.timer(0, waiting: true), ""),
        (.lost(1), "back off 1 2, connect 0, resolve"),
      ])
    // Other addresses: what stays is kept, what goes takes no more calls.
    check(
      machine,
      start + [
        (.ready(0), "send queued"), (.resolved(4, 1), "add 3 [::1]:4, remove 1, remove 2"),
        (.call, "send 0"),
        (.resolved(5, waiting: true), "add 4 [::1]:5, remove 3, remove 0, connect 4"),
      ])
  }

  @Test func inTurn() {
    let machine = ChannelMachine(.roundRobin, hasNames: true)
    let start = start(
      .resolved(1, 2, 3),
      "add 0 [::1]:1, add 1 [::1]:2, add 2 [::1]:3, connect 0, connect 1, connect 2")
    check(
      machine,
      start + [
        (.ready(1), "send queued"), (.call, "send 1"), (.ready(0), "send queued"),
        (.ready(2), "send queued"), (.call, "send 2"), (.call, "send 0"), (.call, "send 1"),
        (.call, "send 2"),
        // A lost one is left out and connected again, also when nobody waits.
        (.lost(0), "connect 0, resolve"), (.call, "send 1"), (.call, "send 2"), (.call, "send 1"),
        (.lost(0), "back off 0 1, resolve"), (.timer(0), "connect 0"), (.ready(0), "send queued"),
        (.call, "send 2"), (.call, "send 0"),
        (.resolved(3, 4), "add 3 [::1]:4, remove 0, remove 1, connect 3"),
        (.call, "send 2"), (.call, "send 2"),
      ])
    // One that hangs up each time is left alone for longer and longer, until it is of use.
    check(
      machine,
      start + [
        (.ready(0), "send queued"), (.ready(1), "send queued"), (.ready(2), "send queued"),
        (.hungUp(0), "back off 0 1, resolve"), (.call, "send 1"), (.call, "send 2"),
        (.timer(0), "connect 0"), (.hungUp(0), "back off 0 2, resolve"),
        (.timer(0), "connect 0"), (.ready(0), "send queued"),
        (.hungUp(0), "back off 0 3, resolve"), (.timer(0), "connect 0"),
        (.ready(0), "send queued"), (.lost(0), "connect 0, resolve"),
        (.hungUp(0), "back off 0 1, resolve"), (.hungUp(1), "back off 1 1, resolve"),
        (.hungUp(2), "back off 2 1, fail queued, resolve"), (.call, "fail"),
      ])
    // Calls fail only when all have failed.
    check(
      machine,
      start + [
        (.lost(0), "back off 0 1, resolve"), (.lost(1), "back off 1 1, resolve"),
        (.call, "queue"), (.lost(2), "back off 2 1, fail queued, resolve"), (.call, "fail"),
      ])
  }

  @Test func namesThatCannotBeResolved() {
    let start: [(Step, String)] = [(.call, "queue, connect"), (.connect, "resolve")]
    check(
      ChannelMachine(.pickFirst, hasNames: true),
      start + [
        (.call, "queue"), (.event(.resolutionFailed), "back off resolution 1, fail queued"),
        (.call, "fail"), (.patientCall, "queue"),
        (.event(.resolutionTimer(isAnyoneWaiting: true)), "resolve"),
        (.resolved(), "back off resolution 2, fail queued"),
        (.event(.resolutionTimer(isAnyoneWaiting: false)), ""), (.call, "queue, connect"),
        (.connect, "resolve"), (.resolved(1), "add 0 [::1]:1, connect 0"),
        (.ready(0), "send queued"),
        // What is known stays in use.
        (.event(.resolutionFailed), ""), (.call, "send 0"),
      ])
  }

  @Test func connectivity() {
    var machine = ChannelMachine(.roundRobin, hasNames: true)
    func state(after step: Step) -> ConnectivityState {
      _ = run(step, &machine)
      return machine.connectivity
    }
    #expect(machine.connectivity == .idle)
    #expect(state(after: .connect) == .connecting)
    #expect(state(after: .event(.resolutionFailed)) == .transientFailure)
    #expect(state(after: .event(.resolutionTimer(isAnyoneWaiting: true))) == .connecting)
    #expect(state(after: .resolved(1, 2)) == .connecting)
    #expect(state(after: .lost(0)) == .connecting)
    #expect(state(after: .lost(1)) == .transientFailure)
    #expect(state(after: .timer(0)) == .connecting)
    #expect(state(after: .ready(0)) == .ready)
    #expect(state(after: .event(.idle)) == .idle)
    #expect(state(after: .event(.close)) == .shutdown)
  }

  @Test func backoffGrowsToItsMaximum() {
    let backoff = Backoff(
      initial: .seconds(1), multiplier: 2, max: .seconds(10), jitter: 0.2)
    let delays = (1...6).map { backoff.delay(failures: $0, random: 0) }
    #expect(delays == [1, 2, 4, 8, 10, 10].map { .seconds($0) })
    #expect(backoff.delay(failures: 1, random: -1) == .milliseconds(800))
    #expect(backoff.delay(failures: 1, random: 1) == .milliseconds(1200))
    #expect(backoff.delay(failures: 1_000_000, random: 0) == .seconds(10))
  }
}

@Suite struct KeepaliveMachineTests {
  private func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

  @Test func aSilentConnectionIsPingedAndGivenUp() {
    var machine = KeepaliveMachine(
      Keepalive(time: .seconds(10), timeout: .seconds(3)), now: at(0))
    #expect(machine.timer(now: at(10), hasCalls: true) == .ping(.seconds(3)))
    #expect(machine.timer(now: at(13), hasCalls: true) == .fail)
  }

  @Test func whateverArrivesCounts() {
    var machine = KeepaliveMachine(
      Keepalive(time: .seconds(10), timeout: .seconds(3)), now: at(0))
    machine.received(now: at(4))
    #expect(machine.timer(now: at(10), hasCalls: true) == .wait(.seconds(4)))
    #expect(machine.timer(now: at(14), hasCalls: true) == .ping(.seconds(3)))
    machine.received(now: at(15))
    #expect(machine.timer(now: at(17), hasCalls: true) == .wait(.seconds(8)))
    #expect(machine.timer(now: at(25), hasCalls: true) == .ping(.seconds(3)))
  }

  @Test func withoutCallsOnlyIfAskedTo() {
    var machine = KeepaliveMachine(Keepalive(time: .seconds(10)), now: at(0))
    #expect(machine.timer(now: at(10), hasCalls: false) == .wait(.seconds(10)))
    #expect(machine.timer(now: at(20), hasCalls: true) == .ping(.seconds(10)))
    #expect(machine.timer(now: at(30), hasCalls: true) == .wait(.seconds(10)))
    #expect(machine.timer(now: at(40), hasCalls: true) == .fail)
    let always = Keepalive(time: .seconds(10), withoutCalls: true)
    machine = KeepaliveMachine(always, now: at(0))
    #expect(machine.timer(now: at(10), hasCalls: false) == .ping(.seconds(10)))
  }
}

@Suite struct TargetTests {
  @Test(
    arguments: [
      ("localhost:80", ["localhost:80"], "localhost:80"),
      ("dns:///example.com:80", ["example.com:80"], "example.com:80"),
      ("dns:example.com", ["example.com:443"], "example.com:443"),
      ("dns:///[::1]:5", ["[::1]:5"], "[::1]:5"),
      ("ipv4:127.0.0.1:1,127.0.0.2:2", ["127.0.0.1:1", "127.0.0.2:2"], "127.0.0.1:1"),
      ("ipv6:[::1]:1,[::2]:2", ["[::1]:1", "[::2]:2"], "[::1]:1"),
      ("unix:/run/a", ["unix:/run/a"], "localhost"),
      ("unix:///run/a", ["unix:/run/a"], "localhost"),
      ("unix:a", ["unix:a"], "localhost"),
    ])
  func target(text: String, addresses: [String], authority: String) throws {
    let target = try Target(text)
    #expect(target.addresses.map(\.description) == addresses)
    #expect(target.authority == authority)
  }

  @Test(
    arguments: [
      "", "localhost", "dns://8.8.8.8/example.com:80", "ipv4:", "ipv4:localhost:80",
      "ipv4:127.0.0.1:1,", "unix:", "dns:///:80",
    ])
  func noTarget(text: String) {
    #expect(throws: AddressError.self) { try Target(text) }
  }

  @Test func loopback() throws {
    for text in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "unix:/a"] {
      #expect(try Address(text).isLoopback)
    }
    for text in ["10.0.0.1:1", "[::2]:1", "example.com:1", "127.example.com:1"] {
      #expect(try !Address(text).isLoopback)
    }
  }
}
