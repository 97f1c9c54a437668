internal import JSON

/// Reads a schema; refuses every keyword it does not keep to.
struct SchemaReader {
  private typealias Node = OutputSchema.Node
  private typealias Kind = OutputSchema.Kind

  private var nodeCount = 0

  private static let keywords = [
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "minimum",
    "maximum", "minLength", "maxLength", "minItems", "maxItems", "anyOf", "title", "description",
    "default", "examples", "$schema",
  ]

  mutating func node(
    _ value: JSONValue, at path: String, depth: Int
  ) throws(SchemaMistake) -> OutputSchema.Node {
    guard case .object(let members) = value else {
      throw SchemaMistake(path, "expected a schema, an object, not \(value.kindName)")
    }
    nodeCount += 1
    guard depth <= OutputSchema.maxDepth else {
      throw SchemaMistake(path, "nested deeper than \(OutputSchema.maxDepth) schemas")
    }
    guard nodeCount <= OutputSchema.maxNodes else {
      throw SchemaMistake(path, "holds more than \(OutputSchema.maxNodes) schemas")
    }
    var node = OutputSchema.Node()
    for member in members {
      let place = path.isEmpty ? member.key : "\(path).\(member.key)"
      guard Self.keywords.contains(member.key) else {
        throw SchemaMistake(
          place, "this keyword is not supported; there are \(Self.keywords.joined(separator: ", "))"
        )
      }
      try read(member.key, member.value, place, depth, &node)
    }
    if let required = value["required"] {
      try require(required, path.isEmpty ? "required" : "\(path).required", &node)
    }
    return node
  }

  private mutating func read(
    _ keyword: String, _ value: JSONValue, _ place: String, _ depth: Int,
    _ node: inout OutputSchema.Node
  ) throws(SchemaMistake) {
    switch keyword {
    case "type": node.kinds = try kinds(value, place)
    case "properties": try properties(value, place, depth, &node)
    case "additionalProperties":
      guard case .bool(let flag) = value else {
        throw SchemaMistake(place, "only true and false are supported")
      }
      node.allowsOthers = flag
    case "items": node.items = [try self.node(value, at: place, depth: depth + 1)]
    case "enum": node.values = try scalars(value, place)
    case "const": node.values = [try scalar(value, place)]
    case "minimum": node.minimum = try number(value, place)
    case "maximum": node.maximum = try number(value, place)
    case "minLength": node.minLength = try count(value, place)
    case "maxLength": node.maxLength = try count(value, place)
    case "minItems": node.minItems = try count(value, place)
    case "maxItems": node.maxItems = try count(value, place)
    case "anyOf": node.alternatives = try alternatives(value, place, depth)
    // `required` comes after the properties; the others say nothing about values.
    default: break
    }
  }

  private func kinds(
    _ value: JSONValue, _ place: String
  ) throws(SchemaMistake) -> [OutputSchema.Kind] {
    let elements: [JSONValue]
    if case .array(let list) = value { elements = list } else { elements = [value] }
    var kinds: [Kind] = []
    for element in elements {
      guard let kind = element.stringValue.flatMap({ Kind(rawValue: $0) }) else {
        let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
        throw SchemaMistake(place, "\(element.text.prefix(40)) is no type; there are \(known)")
      }
      kinds.append(kind)
    }
    guard !kinds.isEmpty else { throw SchemaMistake(place, "names no type") }
    return kinds
  }

  private mutating func properties(
    _ value: JSONValue, _ place: String, _ depth: Int, _ node: inout OutputSchema.Node
  ) throws(SchemaMistake) {
    guard case .object(let members) = value else {
      throw SchemaMistake(place, "expected an object, not \(value.kindName)")
    }
    for member in members {
      let schema = try self.node(member.value, at: "\(place).\(member.key)", depth: depth + 1)
      node.properties[self.place(of: member.key, &node)].schema = [schema]
    }
  }

  private func require(
    _ value: JSONValue, _ place: String, _ node: inout OutputSchema.Node
  ) throws(SchemaMistake) {
    guard case .array(let names) = value else {
      throw SchemaMistake(place, "expected a list of names, not \(value.kindName)")
    }
    for name in names {
      guard case .string(let text) = name else {
        throw SchemaMistake(place, "expected a name, not \(name.kindName)")
      }
      node.properties[self.place(of: text, &node)].isRequired = true
    }
  }

  private func place(of name: String, _ node: inout OutputSchema.Node) -> Int {
    let key = Array(name.utf8)
    if let known = node.places[key] { return known }
    node.places[key] = node.properties.count
    node.properties.append(OutputSchema.Property(name: name))
    return node.properties.count - 1
  }

  private mutating func alternatives(
    _ value: JSONValue, _ place: String, _ depth: Int
  ) throws(SchemaMistake) -> [OutputSchema.Node] {
    guard case .array(let elements) = value, !elements.isEmpty else {
      throw SchemaMistake(place, "expected a list of schemas")
    }
    var nodes: [OutputSchema.Node] = []
    for (index, element) in elements.enumerated() {
      nodes.append(try node(element, at: "\(place)[\(index)]", depth: depth + 1))
    }
    return nodes
  }

  private func scalars(
    _ value: JSONValue, _ place: String
  ) throws(SchemaMistake) -> [JSONValue] {
    guard case .array(let elements) = value, !elements.isEmpty else {
      throw SchemaMistake(place, "expected a list of values")
    }
    for element in elements { _ = try scalar(element, place) }
    return elements
  }

  private func scalar(_ value: JSONValue, _ place: String) throws(SchemaMistake) -> JSONValue {
    switch value {
    case .null, .bool, .number, .string: return value
    case .array, .object:
      throw SchemaMistake(
        place, "only strings, numbers, true, false and null are supported here")
    }
  }

  private func number(_ value: JSONValue, _ place: String) throws(SchemaMistake) -> Double {
    guard let number = value.doubleValue else {
      throw SchemaMistake(place, "expected a number, not \(value.kindName)")
    }
    return number
  }

  private func count(_ value: JSONValue, _ place: String) throws(SchemaMistake) -> Int {
    guard let count = value.integerValue, count >= 0 else {
      throw SchemaMistake(place, "expected a whole number from 0, not \(value.text.prefix(40))")
    }
    return Int(count)
  }
}
