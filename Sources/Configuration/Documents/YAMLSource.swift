internal import JSON
internal import Yams

/// Reads YAML text with the lines of its fields.
enum YAMLSource {
  static func read(
    _ text: String, name: String
  ) throws(SourceError) -> (JSONValue, [String: Int]) {
    let root: Node?
    do {
      root = try Parser(yaml: text, encoding: .utf8).singleRoot()
    } catch {
      throw mistake(error, name)
    }
    // An empty text, or one of comments, is an empty document.
    guard let root else { return (.null, [:]) }
    var builder = ValueBuilder(name: name)
    let value = try builder.value(root, at: "", depth: 0)
    return (value, builder.table.lines)
  }

  private static func mistake(_ error: any Error, _ name: String) -> SourceError {
    switch error as? YamlError {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let around = context.map { " \($0.text.lowercased())" } ?? ""
      return SourceError(name: name, line: mark.line, message: "\(problem)\(around)")
    case .reader(let problem, let offset, _, let yaml):
      let line = offset.map { yaml.prefix($0).count { $0.isNewline } + 1 }
      return SourceError(name: name, line: line, message: problem)
    case .duplicatedKeysInMapping(let keys, let context):
      return SourceError(
        name: name, line: context.mark.line,
        message: "written twice: \(keys.sorted().joined(separator: ", "))")
    default:
      return SourceError(name: name, line: nil, message: "\(error)")
    }
  }
}

/// Turns Yams' nodes into JSON values.
private struct ValueBuilder {
  let name: String
  var table = LineTable()
  private var count = 0
  /// Aliases of aliases could otherwise stand for more values than memory holds.
  private static let maxValues = 1_000_000

  init(name: String) { self.name = name }

  private func refuse(_ mark: Mark?, _ message: String) -> SourceError {
    SourceError(name: name, line: mark?.line, message: message)
  }

  mutating func value(_ node: Node, at path: String, depth: Int) throws(SourceError) -> JSONValue {
    count += 1
    guard count <= Self.maxValues else { throw refuse(node.mark, "more values than can be read") }
    guard depth <= JSONReader.maxDepth else {
      throw refuse(node.mark, "nested deeper than \(JSONReader.maxDepth) levels")
    }
    if let mark = node.mark { table.note(path, mark.line) }
    switch node {
    case .scalar(let scalar):
      return try self.scalar(scalar)
    case .sequence(let sequence):
      var elements: [JSONValue] = []
      for (index, element) in sequence.enumerated() {
        let place = LineTable.path(path, index: index)
        elements.append(try value(element, at: place, depth: depth + 1))
      }
      return .array(elements)
    case .mapping(let mapping):
      var members: [JSONMember] = []
      for (key, element) in mapping {
        guard case .scalar(let name) = key else {
          throw refuse(key.mark, "a key must be a text, not a list or a mapping")
        }
        let place = LineTable.path(path, key: name.string)
        if let mark = key.mark { table.note(place, mark.line) }
        members.append(JSONMember(name.string, try value(element, at: place, depth: depth + 1)))
      }
      return .object(members)
    case .alias:
      throw refuse(node.mark, "an alias that stands for nothing")
    }
  }

  private func scalar(_ scalar: Node.Scalar) throws(SourceError) -> JSONValue {
    let tag = scalar.tag.rawValue
    if tag == "!" || tag == Tag.Name.str.rawValue { return .string(scalar.string) }
    guard tag.isEmpty || tag.hasPrefix("tag:yaml.org,2002:") else {
      throw refuse(scalar.mark, "the tag \(tag) is not known here")
    }
    let isPlain = scalar.style == .plain || scalar.style == .any
    guard isPlain || !tag.isEmpty else { return .string(scalar.string) }
    return CoreScalar.value(scalar.string)
  }
}
