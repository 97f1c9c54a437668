public import Store

/// A place where a store under test keeps its plans: empty at first, used by one check.
public struct StorePlace: Sendable {
  /// Opens the store. For a durable one, what was committed before is there again.
  public var open: @Sendable () throws -> any PlanStore

  public init(open: @escaping @Sendable () throws -> any PlanStore) { self.open = open }
}

/// One check of the suite that every implementation of `PlanStore` passes.
public struct StoreCheck: Sendable, CustomStringConvertible {
  /// What is required, as a sentence.
  public let description: String
  /// Only for stores whose commits survive a restart.
  public let needsDurability: Bool
  /// Throws `ConformanceFailure`, or what the store threw.
  public let run: @Sendable (StorePlace) throws -> Void

  init(
    _ description: String, needsDurability: Bool = false,
    _ run: @escaping @Sendable (StorePlace) throws -> Void
  ) {
    self.description = description
    self.needsDurability = needsDurability
    self.run = run
  }

  /// A check that opens the store once.
  init(
    _ description: String, on run: @escaping @Sendable (any PlanStore) throws -> Void
  ) {
    self.init(description) { place in
      let store = try place.open()
      defer { store.close() }
      try run(store)
    }
  }

  /// The whole suite.
  public static var all: [StoreCheck] {
    contents + groups + keys + spending + eventPages + lists + sizes + durability
  }

  /// The checks for a store that promises nothing across a restart.
  public static var volatile: [StoreCheck] { all.filter { !$0.needsDurability } }
}
