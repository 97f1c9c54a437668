/// Who can take tasks, and how many more. Shared by the plans of one shard.
///
/// Counts are by instance name and do not need a session: a task may be out at an instance that
/// has not registered again since a restart.
public struct AdapterPool: Sendable {
  /// A registered instance as the engine needs it.
  public struct Instance: Sendable, Equatable {
    public var adapter: String
    public var name: String
    public var taskTypes: Set<String>
    public var maxConcurrency: Int
    public var isDraining = false
    /// It refused a hand-out, or could not be reached: nothing new before this time.
    public var pausedUntil: Int64 = 0

    public init(adapter: String, name: String, taskTypes: Set<String>, maxConcurrency: Int) {
      self.adapter = adapter
      self.name = name
      self.taskTypes = taskTypes
      self.maxConcurrency = maxConcurrency
    }
  }

  /// Which adapters serve a type, in order of preference.
  public struct Routes: Sendable, Equatable {
    public var byType: [String: [String]]
    public var fallback: [String]

    public init(byType: [String: [String]] = [:], fallback: [String] = []) {
      self.byType = byType
      self.fallback = fallback
    }
  }

  /// Tasks that may be with adapters at one time.
  public struct Limits: Sendable, Equatable {
    public var inFlight = 1_000
    public var perAdapter: [String: Int] = [:]

    public init() {}
  }

  public let routes: Routes
  public let limits: Limits
  public var budgets = NamespaceBudgets()
  /// Ordered by name, so that every choice is the same in every run.
  public private(set) var instances: [Instance] = []
  private var inFlightByInstance: [String: Int] = [:]
  private var inFlightByAdapter: [String: Int] = [:]
  public private(set) var inFlight = 0
  /// Plans are waiting for places: they are handed out in turns (`.schedule`) only.
  public var isContended = false
  /// Plans hold places that are not counted now, as while they are loaded again: nothing is handed
  /// out.
  public var isClosed = false {
    didSet { if oldValue && !isClosed { openings &+= 1 } }
  }
  /// Rises whenever a place may have become free.
  public private(set) var openings: UInt64 = 0

  public init(routes: Routes, limits: Limits = Limits()) {
    self.routes = routes
    self.limits = limits
  }

  /// Adds or replaces an instance.
  public mutating func register(_ instance: Instance) {
    remove(instance.name)
    openings &+= 1
    let place = instances.firstIndex { $0.name > instance.name } ?? instances.count
    instances.insert(instance, at: place)
  }

  public mutating func remove(_ name: String) { instances.removeAll { $0.name == name } }

  public mutating func drain(_ name: String) { update(name) { $0.isDraining = true } }

  /// Keeps new tasks from the instance until `time`.
  public mutating func pause(_ name: String, until time: Int64) {
    update(name) { $0.pausedUntil = max($0.pausedUntil, time) }
  }

  private mutating func update(_ name: String, _ change: (inout Instance) -> Void) {
    guard let index = instances.firstIndex(where: { $0.name == name }) else { return }
    change(&instances[index])
  }

  public func load(of name: String) -> Int { inFlightByInstance[name] ?? 0 }

  /// Says that a pause is over.
  public mutating func unpaused() { openings &+= 1 }

  /// Whether any instance can take another task.
  public func hasPlace(now: Int64) -> Bool {
    !isClosed && inFlight < limits.inFlight
      && instances.contains {
        !$0.isDraining && $0.pausedUntil <= now && load(of: $0.name) < $0.maxConcurrency
      }
  }

  /// When the first paused instance may be tried again; nil where none is paused.
  public func nextUnpause(after now: Int64) -> Int64? {
    instances.lazy.map(\.pausedUntil).filter { $0 > now }.min()
  }

  /// Takes a place for one task of `type`; nil where there is none now.
  ///
  /// - Parameter only: The instance it must be; nil: any.
  mutating func take(
    type: String, adapter: String?, only: String? = nil, now: Int64
  ) -> Instance? {
    guard case .success(let chosen) = find(type: type, adapter: adapter, only: only, now: now)
    else { return nil }
    occupy(adapter: chosen.adapter, instance: chosen.name)
    return chosen
  }

  /// The place that a task of `type` would be given.
  ///
  /// The first adapter of the route that is registered and serves the type is the one to wait for;
  /// among its instances the one with the smallest share of its places taken.
  ///
  /// - Parameter only: The instance it must be; nil: any.
  func find(
    type: String, adapter: String?, only: String? = nil, now: Int64
  ) -> Result<Instance, HandOutObstacle> {
    guard !isClosed else { return .failure(.loading) }
    guard inFlight < limits.inFlight else { return .failure(.server(limit: limits.inFlight)) }
    let route = adapter.map { [$0] } ?? routes.byType[type] ?? routes.fallback
    for name in route {
      let serving = instances.filter {
        $0.adapter == name && !$0.isDraining && $0.taskTypes.contains(type)
          && (only == nil || only == $0.name)
      }
      guard !serving.isEmpty else { continue }
      if let limit = limits.perAdapter[name], (inFlightByAdapter[name] ?? 0) >= limit {
        return .failure(.adapter(name, limit: limit))
      }
      let withRoom = serving.filter { load(of: $0.name) < $0.maxConcurrency }
      // Compares load/size as products, without division.
      let chosen = withRoom.filter { $0.pausedUntil <= now }.min {
        load(of: $0.name) * $1.maxConcurrency < load(of: $1.name) * $0.maxConcurrency
      }
      if let chosen { return .success(chosen) }
      let until = withRoom.map(\.pausedUntil).min()
      return .failure(until.map { .paused(adapter: name, until: $0) } ?? .busy(adapter: name))
    }
    return .failure(.noAdapter(route: route))
  }

  /// Whether the instance is there and not about to go.
  func isServing(_ name: String) -> Bool {
    instances.contains { $0.name == name && !$0.isDraining }
  }

  /// Counts a task that is out already, as after a restart.
  mutating func occupy(adapter: String, instance: String) {
    inFlight += 1
    inFlightByInstance[instance, default: 0] += 1
    inFlightByAdapter[adapter, default: 0] += 1
  }

  mutating func release(adapter: String, instance: String) {
    openings &+= 1
    inFlight -= 1
    inFlightByAdapter[adapter, default: 0] -= 1
    let left = load(of: instance) - 1
    inFlightByInstance[instance] = left == 0 ? nil : left
  }

  /// Whether any registered adapter on the route serves the type.
  public func serves(type: String, adapter: String?) -> Bool {
    let route = adapter.map { [$0] } ?? routes.byType[type] ?? routes.fallback
    return instances.contains { route.contains($0.adapter) && $0.taskTypes.contains(type) }
  }
}
