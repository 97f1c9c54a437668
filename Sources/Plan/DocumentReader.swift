internal import JSON

/// The members of an object and where it stands.
struct DocumentFields {
  var members: [JSONMember]
  var path: String

  func value(_ key: String) -> JSONValue? {
    let value = members.last { $0.key == key }?.value
    return value == .null ? nil : value
  }

  func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}

/// Reads typed fields and collects what is wrong, so that everything is told at once.
struct DocumentReader {
  private(set) var problems: [PlanProblem] = []

  mutating func refuse(_ fields: DocumentFields, _ key: String, _ message: String) {
    refuse(PlanProblem(fields.path(of: key), .badField, message))
  }

  /// A document with thousands of mistakes is told about the first hundred.
  private mutating func refuse(_ problem: PlanProblem) {
    if problems.count < 100 { problems.append(problem) }
  }

  private mutating func refuse(
    _ fields: DocumentFields, _ key: String, expected: String, got value: JSONValue
  ) {
    refuse(fields, key, "expected \(expected), not \(value.kindName)")
  }

  mutating func object(
    _ value: JSONValue, at path: String, known: [String]
  ) -> DocumentFields? {
    guard case .object(let members) = value else {
      refuse(PlanProblem(path, .badField, "expected an object, not \(value.kindName)"))
      return nil
    }
    let fields = DocumentFields(members: members, path: path)
    for member in members where !known.contains(member.key) {
      refuse(
        PlanProblem(
          fields.path(of: member.key), .unknownField,
          "unknown field; \(Self.suggestion(for: member.key, among: known))"))
    }
    return fields
  }

  mutating func object(
    _ fields: DocumentFields, _ key: String, known: [String]
  ) -> DocumentFields? {
    guard let value = fields.value(key) else { return nil }
    return object(value, at: fields.path(of: key), known: known)
  }

  mutating func string(
    _ fields: DocumentFields, _ key: String, required: Bool = false
  ) -> String? {
    guard let value = fields.value(key) else {
      if required { refuse(fields, key, "is missing") }
      return nil
    }
    guard case .string(let text) = value else {
      refuse(fields, key, expected: "a string", got: value)
      return nil
    }
    return text
  }

  mutating func array(
    _ fields: DocumentFields, _ key: String, required: Bool = false
  ) -> [JSONValue]? {
    guard let value = fields.value(key) else {
      if required { refuse(fields, key, "is missing") }
      return nil
    }
    guard case .array(let elements) = value else {
      refuse(fields, key, expected: "a list", got: value)
      return nil
    }
    return elements
  }

  mutating func strings(_ fields: DocumentFields, _ key: String) -> [String] {
    (array(fields, key) ?? []).enumerated().compactMap { index, element in
      if case .string(let text) = element { return text }
      refuse(fields, "\(key)[\(index)]", expected: "a string", got: element)
      return nil
    }
  }

  mutating func texts(_ fields: DocumentFields, _ key: String) -> [String: String] {
    guard let value = fields.value(key) else { return [:] }
    guard case .object(let members) = value else {
      refuse(fields, key, expected: "an object", got: value)
      return [:]
    }
    var pairs: [String: String] = [:]
    for member in members {
      guard case .string(let text) = member.value else {
        refuse(fields, "\(key).\(member.key)", expected: "a string", got: member.value)
        continue
      }
      pairs[member.key] = text
    }
    return pairs
  }

  /// The compact JSON text of an object.
  mutating func objectBytes(_ fields: DocumentFields, _ key: String) -> [UInt8]? {
    guard let value = fields.value(key) else { return nil }
    guard case .object = value else {
      refuse(fields, key, expected: "an object", got: value)
      return nil
    }
    return value.bytes
  }

  mutating func int32(_ fields: DocumentFields, _ key: String) -> Int32? {
    guard let value = fields.value(key) else { return nil }
    guard let integer = value.integerValue, let number = Int32(exactly: integer) else {
      refuse(fields, key, "expected a whole number, not \(value.text)")
      return nil
    }
    return number
  }

  mutating func int64(_ fields: DocumentFields, _ key: String) -> Int64? {
    guard let value = fields.value(key) else { return nil }
    guard let number = value.integerValue else {
      refuse(fields, key, "expected a whole number, not \(value.text)")
      return nil
    }
    return number
  }

  mutating func double(_ fields: DocumentFields, _ key: String) -> Double? {
    guard let value = fields.value(key) else { return nil }
    guard let number = value.doubleValue else {
      refuse(fields, key, "expected a finite number, not \(value.text)")
      return nil
    }
    return number
  }

  /// Milliseconds.
  mutating func duration(_ fields: DocumentFields, _ key: String) -> Int64? {
    guard let value = fields.value(key) else { return nil }
    guard let milliseconds = DurationText.milliseconds(value.stringValue ?? value.text) else {
      refuse(fields, key, "\(value.text) is no duration; \(DurationText.hint)")
      return nil
    }
    return milliseconds
  }

  /// "did you mean X?" where one known name is close, otherwise the list of them.
  static func suggestion(for name: String, among known: [String]) -> String {
    let distances = known.map { (name: $0, distance: editDistance(name, $0)) }
    if let nearest = distances.min(by: { $0.distance < $1.distance }),
      nearest.distance <= max(1, name.count / 3)
    {
      return "did you mean \(nearest.name)?"
    }
    return "known here: \(known.joined(separator: ", "))"
  }

  /// Levenshtein distance, of the first 64 characters.
  private static func editDistance(_ left: String, _ right: String) -> Int {
    let right = Array(right.prefix(64))
    var row = Array(0...right.count)
    for (i, character) in left.prefix(64).enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for j in right.indices {
        let substituted = diagonal + (character == right[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[right.count]
  }
}
