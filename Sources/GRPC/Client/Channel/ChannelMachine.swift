/// A channel's addresses and their connections as a value: events in, actions out
/// (github.com/grpc/grpc, doc/connectivity-semantics-and-api.md and doc/load-balancing.md).
///
///     idle --call--> resolving --resolved--> active --nobody calls--> idle
///                     |   ^
///               failed|   |timer, if somebody waits
///                     v   |
///                   unresolved              (close from anywhere: closed)
///
/// While active, each address has a connection of its own:
///
///     idle --connect--> connecting --ready--> ready --lost, goAway--> idle
///      ^                     |                  |
///      +--timer-- backoff <--+ lost             | lost before it was of use, round robin
///                    ^                          |
///                    +--------------------------+
///
/// Round robin connects by itself what was lost: without that pause, a server that accepts and
/// hangs up would be connected to over and over. Otherwise each connection is made for a call.
struct ChannelMachine {
  enum Phase: Equatable {
    /// Nobody asks for a connection. Can transition to `resolving`, `closed`.
    case idle
    /// The addresses are being looked up for the first time. Can transition to `active`,
    /// `unresolved`, `closed`.
    case resolving
    /// There are addresses. Can transition to `idle`, `closed`.
    case active
    /// The lookup failed and is due again later. Can transition to `resolving`, `idle`, `closed`.
    case unresolved
    case closed
  }

  enum MemberState: Equatable {
    case idle
    case connecting
    case ready
    /// Waiting before the next attempt.
    case backoff
  }

  struct Member: Equatable {
    let id: Int
    let address: Address
    var state = MemberState.idle
    /// Attempts in a row that failed, or whose connection was of no use.
    var failures = 0
  }

  enum Event: Equatable {
    /// A call needs a connection, or somebody wants one beforehand.
    case connect
    case resolved([Address], isAnyoneWaiting: Bool)
    case resolutionFailed
    /// The time after a failed lookup has passed.
    case resolutionTimer(isAnyoneWaiting: Bool)
    /// The server's SETTINGS are there.
    case ready(Int)
    /// The attempt to connect failed, or the connection was lost or takes no new calls (GOAWAY).
    /// `wasOfUse`: it had answered a call by then, or had been there for long.
    case lost(Int, wasOfUse: Bool)
    /// The backoff is over.
    case timer(Int, isAnyoneWaiting: Bool)
    /// There was no call for a long time.
    case idle
    case close
  }

  enum Action: Equatable {
    case resolve
    case backOffResolution(failures: Int)
    case add(Int, Address)
    /// Lets open calls finish and takes no new ones.
    case remove(Int)
    case connect(Int)
    case backOff(Int, failures: Int)
    case sendQueued
    /// Fail the calls that do not wait for a connection.
    case failQueued
    case failAllAndDisconnect
  }

  /// What becomes of a call.
  enum Pick: Equatable {
    case send(Int)
    /// It waits for a connection that is being made.
    case queue
    /// It waits, and `connect` is due.
    case queueAndConnect
    /// UNAVAILABLE, never sent.
    case fail
  }

  private let policy: LoadBalancing
  /// Whether looking up again can give other addresses.
  private let hasNames: Bool
  private(set) var phase = Phase.idle
  private(set) var members: [Member] = []
  private var nextID = 0
  /// Where round robin goes on.
  private var nextIndex = 0
  private var resolutionFailures = 0

  init(_ policy: LoadBalancing, hasNames: Bool) {
    self.policy = policy
    self.hasNames = hasNames
  }

  var connectivity: ConnectivityState {
    switch phase {
    case .idle: .idle
    case .resolving: .connecting
    case .unresolved: .transientFailure
    case .closed: .shutdown
    case .active:
      if has(.ready) {
        .ready
      } else if has(.connecting) {
        .connecting
      } else {
        has(.idle) ? .idle : .transientFailure
      }
    }
  }

  // MARK: Calls

  mutating func pick(waitForReady: Bool) -> Pick {
    switch phase {
    case .closed: return .fail
    case .idle: return .queueAndConnect
    case .resolving: return .queue
    case .unresolved: return waitForReady ? .queue : .fail
    case .active: break
    }
    if let id = nextReady() { return .send(id) }
    if has(.connecting) { return .queue }
    if has(.idle) { return .queueAndConnect }
    return waitForReady ? .queue : .fail
  }

  private mutating func nextReady() -> Int? {
    guard policy == .roundRobin else { return members.first { $0.state == .ready }?.id }
    for offset in 0..<members.count {
      let index = (nextIndex + offset) % members.count
      guard members[index].state == .ready else { continue }
      nextIndex = index + 1
      return members[index].id
    }
    return nil
  }

  private func has(_ state: MemberState) -> Bool {
    members.contains { $0.state == state }
  }

  // MARK: Events

  mutating func receive(_ event: Event) -> [Action] {
    if phase == .closed { return [] }
    switch event {
    case .connect: return connect()
    case .resolved(let addresses, let isAnyoneWaiting):
      return resolved(addresses, isAnyoneWaiting: isAnyoneWaiting)
    case .resolutionFailed: return resolutionFailed()
    case .resolutionTimer(let isAnyoneWaiting):
      guard phase == .unresolved else { return [] }
      phase = isAnyoneWaiting ? .resolving : .idle
      return isAnyoneWaiting ? [.resolve] : []
    case .ready(let id): return ready(id)
    case .lost(let id, let wasOfUse): return lost(id, wasOfUse: wasOfUse)
    case .timer(let id, let isAnyoneWaiting):
      return backoffIsOver(id, isAnyoneWaiting: isAnyoneWaiting)
    case .idle:
      guard phase == .active else { return [] }
      phase = .idle
      defer { members = [] }
      return members.map { .remove($0.id) }
    case .close:
      phase = .closed
      members = []
      return [.failAllAndDisconnect]
    }
  }

  private mutating func connect() -> [Action] {
    switch phase {
    case .idle:
      phase = .resolving
      return [.resolve]
    case .active: return connectMembers()
    case .resolving, .unresolved, .closed: return []
    }
  }

  /// Connects what is idle: all of it for round robin, else the first if nothing is under way.
  private mutating func connectMembers() -> [Action] {
    if policy == .pickFirst, has(.ready) || has(.connecting) { return [] }
    var actions: [Action] = []
    for index in members.indices where members[index].state == .idle {
      members[index].state = .connecting
      actions.append(.connect(members[index].id))
      if policy == .pickFirst { break }
    }
    return actions
  }

  private mutating func resolved(_ addresses: [Address], isAnyoneWaiting: Bool) -> [Action] {
    guard phase == .resolving || phase == .active else { return [] }
    guard !addresses.isEmpty else { return resolutionFailed() }
    var actions: [Action] = []
    var updated: [Member] = []
    for address in addresses where !updated.contains(where: { $0.address == address }) {
      if let member = members.first(where: { $0.address == address }) {
        updated.append(member)
      } else {
        updated.append(Member(id: nextID, address: address))
        actions.append(.add(nextID, address))
        nextID += 1
      }
    }
    for member in members where !updated.contains(where: { $0.id == member.id }) {
      actions.append(.remove(member.id))
    }
    members = updated
    resolutionFailures = 0
    let isFirst = phase == .resolving
    phase = .active
    if isFirst || isAnyoneWaiting || policy == .roundRobin { actions += connectMembers() }
    return actions
  }

  private mutating func resolutionFailed() -> [Action] {
    // Addresses that are known stay in use.
    guard phase == .resolving else { return [] }
    phase = .unresolved
    resolutionFailures += 1
    return [.backOffResolution(failures: resolutionFailures), .failQueued]
  }

  private mutating func ready(_ id: Int) -> [Action] {
    guard let index = index(id), members[index].state == .connecting else { return [] }
    members[index].state = .ready
    return [.sendQueued]
  }

  private mutating func lost(_ id: Int, wasOfUse: Bool) -> [Action] {
    guard let index = index(id) else { return [] }
    var actions: [Action] = []
    switch members[index].state {
    case .ready where wasOfUse || policy == .pickFirst:
      members[index].state = .idle
      members[index].failures = 0
      if policy == .roundRobin { actions = connectMembers() }
    case .connecting, .ready:
      members[index].state = .backoff
      members[index].failures += 1
      actions = [.backOff(id, failures: members[index].failures)]
      actions += connectMembers()
      if members.allSatisfy({ $0.state == .backoff }) { actions.append(.failQueued) }
    case .idle, .backoff:
      // Late news of a connection that the channel has given up.
      return []
    }
    // The name may mean other addresses by now.
    return hasNames ? actions + [.resolve] : actions
  }

  private mutating func backoffIsOver(_ id: Int, isAnyoneWaiting: Bool) -> [Action] {
    guard let index = index(id), members[index].state == .backoff else { return [] }
    members[index].state = .idle
    return isAnyoneWaiting || policy == .roundRobin ? connectMembers() : []
  }

  private func index(_ id: Int) -> Int? {
    members.firstIndex { $0.id == id }
  }
}
