/// Why an adapter cannot run.
public struct AdapterError: Error, Sendable, CustomStringConvertible {
  /// Open: more codes may come.
  public struct Code: RawRepresentable, Sendable, Hashable {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    /// An address or a number of the configuration cannot be used.
    public static let badConfiguration = Code(rawValue: "BAD_CONFIGURATION")
    /// The data folder cannot be read or written, or another process holds it.
    public static let dataUnusable = Code(rawValue: "DATA_UNUSABLE")
    /// The address to listen on is taken or not ours.
    public static let cannotListen = Code(rawValue: "CANNOT_LISTEN")
  }

  public let code: Code
  /// A sentence for people: what is wrong and what to do.
  public let message: String
  /// What led to it, in words.
  public let cause: String?

  public init(_ code: Code, _ message: String, cause: String? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  public var description: String { message + (cause.map { ": \($0)" } ?? "") }
}
