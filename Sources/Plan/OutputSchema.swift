internal import JSON

/// A task's `output_schema`: what its output must look like.
///
/// A subset of JSON Schema, `docs/output-schemas.md`: whatever is not in it is refused at
/// submission, for a keyword that is not understood would be a promise that nobody keeps.
public struct OutputSchema: Sendable, Equatable {
  /// As adapters get it: compact JSON.
  public let json: [UInt8]
  /// It is about the output's `json`, not about the whole of it.
  public let isAboutJSON: Bool
  let root: Node

  static let maxBytes = 64 << 10
  static let maxDepth = 16
  static let maxNodes = 1_000
  /// Of the schema's JSON text, which stands inside a plan document.
  static let maxTextDepth = 48

  /// One schema, itself without those inside it that `anyOf`, `items` and properties hold.
  struct Node: Sendable, Equatable {
    /// Empty: any.
    var kinds: [Kind] = []
    var properties: [Property] = []
    /// Places in `properties` by name, as UTF-8: keys are compared by code points.
    var places: [[UInt8]: Int] = [:]
    var allowsOthers = true
    /// None or one.
    var items: [Node] = []
    /// Scalars; nil: any value.
    var values: [JSONValue]?
    var minimum: Double?
    var maximum: Double?
    var minLength: Int?
    var maxLength: Int?
    var minItems: Int?
    var maxItems: Int?
    var alternatives: [Node] = []
  }

  struct Property: Sendable, Equatable {
    var name: String
    var isRequired = false
    /// None: any value.
    var schema: [Node] = []
  }

  /// A type of JSON Schema.
  enum Kind: String, Sendable, CaseIterable {
    case object, array, string, number, integer, boolean, null

    var shown: String {
      switch self {
      case .object: "an object"
      case .array: "a list"
      case .string: "a string"
      case .number: "a number"
      case .integer: "a whole number"
      case .boolean: "true or false"
      case .null: "null"
      }
    }
  }

  /// Reads and checks a schema. Throws a sentence that names the keyword.
  init(_ json: [UInt8], taskType: String) throws(SchemaMistake) {
    guard json.count <= Self.maxBytes else {
      throw SchemaMistake("", "\(json.count) bytes; the limit is \(Self.maxBytes)")
    }
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue(parsing: json) } catch {
      throw SchemaMistake("", error.description)
    }
    guard value.depth <= Self.maxTextDepth else {
      throw SchemaMistake("", "nested deeper than \(Self.maxTextDepth) levels")
    }
    var reader = SchemaReader()
    root = try reader.node(value, at: "", depth: 1)
    self.json = value.bytes
    isAboutJSON = Self.typesWithJSON.contains(taskType)
  }

  /// The text as a stored plan gives it back; what is no JSON stays as it is, to be refused.
  public static func compact(_ json: [UInt8]) -> [UInt8] {
    (try? JSONValue(parsing: json))?.bytes ?? json
  }

  /// Types whose output is `{"text": …, "json": …}`: their schema is about `json`.
  private static let typesWithJSON: Set<String> = ["prompt", "agent", "crew", "graph"]
}

/// Why a text is no schema.
struct SchemaMistake: Error, Equatable {
  /// Where in the schema: `properties.name.type`; empty for the whole.
  var place: String
  var message: String

  init(_ place: String, _ message: String) {
    self.place = place
    self.message = message
  }
}

extension JSONValue {
  /// 1 for a scalar. The parser bounds it.
  fileprivate var depth: Int {
    switch self {
    case .null, .bool, .number, .string: 1
    case .array(let elements): 1 + (elements.lazy.map(\.depth).max() ?? 0)
    case .object(let members): 1 + (members.lazy.map(\.value.depth).max() ?? 0)
    }
  }
}
