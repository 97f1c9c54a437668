/// A JSON value (RFC 8259). Numbers keep their text, objects their order, so that printing a parsed
/// value gives the same numbers and members back.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// The number as it is written, for example `1.50e3`.
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([JSONMember])

  /// An integer value.
  public static func integer(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }

  /// The member named `key`; the last one where a key repeats. Nil for anything but an object.
  public subscript(_ key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.key.isSameKey(as: key) }?.value
  }

  /// The text of a string.
  public var stringValue: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  /// An integer that fits 64 bits; `1.0` and `1e3` are not integers here.
  public var integerValue: Int64? {
    guard case .number(let text) = self else { return nil }
    return Int64(text)
  }

  /// A finite number.
  public var doubleValue: Double? {
    guard case .number(let text) = self, let value = Double(text), value.isFinite else {
      return nil
    }
    return value
  }

  /// What kind of value this is, for messages: "an object", "a number" ...
  public var kindName: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .number: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

/// A name and value of a JSON object.
public struct JSONMember: Sendable, Equatable {
  public var key: String
  public var value: JSONValue

  public init(_ key: String, _ value: JSONValue) {
    self.key = key
    self.value = value
  }
}

extension String {
  /// Whether the code points are the same (RFC 8259 section 8.3); `==` also takes canonically
  /// equivalent texts for equal.
  func isSameKey(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

/// Why a text is not JSON.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Where in the text, in bytes from its start.
  public var offset: Int
  /// What was expected or found.
  public var message: String

  public init(offset: Int, message: String) {
    self.offset = offset
    self.message = message
  }

  public var description: String { "\(message) at byte \(offset)" }
}
