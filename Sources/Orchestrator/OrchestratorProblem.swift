public import Plan

/// Something that went wrong and that no caller is told.
public struct OrchestratorProblem: Sendable, Equatable {
  /// Stable and machine-readable: CORRUPT, UNAVAILABLE …
  public var code: String
  /// What happened, and what follows.
  public var message: String
  public var planID: PlanID?
}
