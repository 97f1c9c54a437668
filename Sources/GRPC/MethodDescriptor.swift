/// Names one method of one service.
public struct MethodDescriptor: Sendable, Hashable {
  /// Full name: "baton.v1.Orchestrator".
  public let service: String
  public let method: String
  /// The `:path` of its calls: "/baton.v1.Orchestrator/SubmitPlan".
  public let path: String

  public init(service: String, method: String) {
    self.service = service
    self.method = method
    path = "/\(service)/\(method)"
  }

  public static func == (left: MethodDescriptor, right: MethodDescriptor) -> Bool {
    left.path == right.path
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(path)
  }
}

extension MethodDescriptor: CustomStringConvertible {
  public var description: String { "\(service)/\(method)" }
}
