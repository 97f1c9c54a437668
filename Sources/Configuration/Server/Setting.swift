internal import JSON
internal import Plan

/// One thing that an operator may set: its place in the file, from which the names of its variable
/// and its flag follow, and how its value is read.
struct Setting: Sendable {
  /// `retry.max_attempts`.
  let path: String
  /// For people, without a full stop.
  let help: String
  /// Whether its value is one text or number; others are lists and mappings.
  let isScalar: Bool
  let read: @Sendable (JSONValue, inout ServerConfiguration, inout SettingReader) -> Void

  /// `BATON_RETRY_MAX_ATTEMPTS`.
  var variable: String {
    "BATON_" + path.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
  }

  /// `retry-max-attempts`, without the dashes before it.
  var flag: String { path.map { $0 == "." || $0 == "_" ? "-" : String($0) }.joined() }
}

/// Reads values of settings and collects what is wrong with them.
struct SettingReader {
  /// Where within the value, `` or `.crewai` or `[2]`, and what is wrong.
  private(set) var mistakes: [(place: String, message: String)] = []

  mutating func refuse(_ message: String, at place: String = "") {
    mistakes.append((place, message))
  }

  /// The text of a scalar, whether it was written as text, number or truth value.
  mutating func text(_ value: JSONValue, at place: String = "") -> String? {
    switch value {
    case .string(let text): return text
    case .number, .bool: return value.text
    case .null, .array, .object:
      refuse("expected one value, not \(value.kindName)", at: place)
      return nil
    }
  }

  mutating func elements(_ value: JSONValue, at place: String = "") -> [JSONValue] {
    if case .array(let elements) = value { return elements }
    refuse("expected a list, not \(value.kindName)", at: place)
    return []
  }

  mutating func members(_ value: JSONValue, at place: String = "") -> [JSONMember] {
    if case .object(let members) = value { return members }
    refuse("expected a mapping, not \(value.kindName)", at: place)
    return []
  }

  mutating func integer(
    _ value: JSONValue, in range: ClosedRange<Int64>, at place: String = ""
  ) -> Int64? {
    guard let text = text(value, at: place) else { return nil }
    guard let number = Int64(text), range.contains(number) else {
      let right = "from \(range.lowerBound) to \(range.upperBound)"
      refuse("expected a whole number \(right), not \(Self.shown(text))", at: place)
      return nil
    }
    return number
  }

  mutating func number(_ value: JSONValue, in range: ClosedRange<Double>) -> Double? {
    guard let text = text(value) else { return nil }
    guard let number = Double(text), number.isFinite, range.contains(number) else {
      var right = "of at least \(range.lowerBound)"
      if range.upperBound.isFinite { right = "from \(range.lowerBound) to \(range.upperBound)" }
      refuse("expected a number \(right), not \(Self.shown(text))")
      return nil
    }
    return number
  }

  /// Milliseconds.
  mutating func duration(
    _ value: JSONValue, atLeast least: Int64, at place: String = ""
  ) -> Int64? {
    guard let text = text(value, at: place) else { return nil }
    guard let milliseconds = DurationText.milliseconds(text) else {
      refuse("\(Self.shown(text)) is no duration; \(DurationText.hint)", at: place)
      return nil
    }
    guard milliseconds >= least, milliseconds <= Self.tenYears else {
      refuse(
        "\(Self.shown(text)) is not from \(DurationText.text(least)) to ten years", at: place)
      return nil
    }
    return milliseconds
  }

  mutating func word<Word: RawRepresentable & CaseIterable>(
    _ value: JSONValue, of type: Word.Type = Word.self
  ) -> Word? where Word.RawValue == String {
    guard let text = text(value) else { return nil }
    if let word = Word(rawValue: text) { return word }
    let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
    refuse("\(Self.shown(text)) is not known; write \(known)")
    return nil
  }

  /// A name of the same form as a task's id.
  mutating func name(_ value: JSONValue, at place: String) -> String? {
    guard let text = text(value, at: place) else { return nil }
    if isName(text) { return text }
    refuse(
      "\(Self.shown(text)) is no name; start with a letter or digit, "
        + "go on with letters, digits and . _ : -", at: place)
    return nil
  }

  private func isName(_ text: String) -> Bool {
    let isWord = { (character: Character) in
      character.isASCII && (character.isLetter || character.isNumber)
    }
    guard let first = text.first, isWord(first), text.utf8.count <= 255 else { return false }
    return text.allSatisfy { isWord($0) || "._:-".contains($0) }
  }

  static func shown(_ text: String) -> String { JSONValue.string(text).text }

  private static let tenYears: Int64 = 315_576_000_000
}
