/// Why bytes were refused as a message.
public struct MessageDecodingError: Error, Sendable, Equatable {
  /// What kind of refusal; more may come.
  public struct Code: RawRepresentable, Sendable, Hashable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The bytes are not such a message.
    public static let malformed = Code(rawValue: "MALFORMED")
    /// A string field is not UTF-8.
    public static let invalidUTF8 = Code(rawValue: "INVALID_UTF8")
    /// A string field holds U+0000.
    public static let nulInText = Code(rawValue: "NUL_IN_TEXT")
    /// Decoded, the message would take more memory than its size allows for.
    public static let tooMuchMemory = Code(rawValue: "TOO_MUCH_MEMORY")
  }

  public var code: Code
  /// The field, as a path from the message: "plan.tasks[3].depends_on[0]"; empty where the message
  /// as a whole is meant.
  public var place: String
  /// A sentence for people.
  public var message: String

  public init(code: Code, place: String, message: String) {
    self.code = code
    self.place = place
    self.message = message
  }
}

extension MessageDecodingError: CustomStringConvertible {
  public var description: String { "\(code.rawValue): \(message)" }
}
