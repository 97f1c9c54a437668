public import JSON

/// A YAML or JSON text as a value that still knows on which line each of its fields stands.
public struct SourceDocument: Sendable {
  /// How the text is called in messages: a file's path.
  public let name: String
  public let value: JSONValue
  /// Line numbers by field path.
  private let lines: [String: Int]

  /// Reads a text: JSON where it is JSON (a name that ends in `.json`, or an object in braces),
  /// otherwise YAML 1.2 with its core scalars.
  ///
  /// - Parameter name: how the text is called in messages; the path of its file.
  public init(text: String, name: String) throws(SourceError) {
    self.name = name
    let bytes = Array(text.utf8)
    let mustBeJSON = name.hasSuffix(".json")
    if mustBeJSON || bytes.first(where: { !Self.isSpace($0) }) == UInt8(ascii: "{") {
      do throws(SourceError) {
        (value, lines) = try JSONSource.read(bytes, name: name)
        return
      } catch {
        // YAML's own braces allow more than JSON's: comments, plain scalars.
        if mustBeJSON || error.isFinal { throw error }
      }
    }
    (value, lines) = try YAMLSource.read(text, name: name)
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  /// The line (1-based) of a field such as `tasks[3].retry.max_attempts`, or of the nearest thing
  /// around it that the text has.
  public func line(of field: String) -> Int? {
    var path = Substring(field)
    while !path.isEmpty {
      if let line = lines[String(path)] { return line }
      guard let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { break }
      path = path[..<cut]
    }
    return lines[""]
  }

  /// `file.yaml:12`, or the name alone where the text does not have the field.
  public func place(of field: String) -> String {
    line(of: field).map { "\(name):\($0)" } ?? name
  }
}

/// Why a text could not be read.
public struct SourceError: Error, Sendable, Equatable, CustomStringConvertible {
  public var name: String
  /// 1-based; nil where the mistake has no place.
  public var line: Int?
  public var message: String
  /// Whether reading the text in another way cannot help.
  var isFinal = false

  public var description: String {
    line.map { "\(name):\($0): \(message)" } ?? "\(name): \(message)"
  }
}

/// Gathers the lines of a document's fields while it is read.
struct LineTable {
  private(set) var lines: [String: Int] = [:]

  mutating func note(_ path: String, _ line: Int) {
    // The first place counts: what an alias repeats stands where it was written.
    if lines[path] == nil { lines[path] = line }
  }

  static func path(_ parent: String, key: String) -> String {
    parent.isEmpty ? key : "\(parent).\(key)"
  }

  static func path(_ parent: String, index: Int) -> String { "\(parent)[\(index)]" }
}

extension SourceDocument {
  /// The value that a command's argument stands for: a list, mapping or quoted text as YAML has
  /// it, and anything else as a plain scalar that may hold any character.
  public static func value(ofArgument text: String, name: String) throws(SourceError) -> JSONValue {
    guard let first = text.first, "[{\"'".contains(first) else { return CoreScalar.value(text) }
    return try SourceDocument(text: text, name: name).value
  }
}
