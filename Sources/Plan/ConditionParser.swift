internal import JSON

/// Reads a condition by recursive descent, no deeper than `Condition.maxDepth`.
///
///     any    := all ("||" all)*
///     all    := test ("&&" test)*
///     test   := value (("==" | "!=" | "<" | "<=" | ">" | ">=" | "in") value)?
///     value  := "!" value | "-"? number | operand ("." method "(" any ")")*
///     operand := string | "true" | "false" | "null" | list | "(" any ")"
///              | "size" "(" any ")" | "has" "(" name ")" | name
///     name   := ("inputs" | "tasks" step) step*
///     step   := "." word | "[" (integer | string) "]"
struct ConditionParser {
  private typealias Node = Condition.Node

  private var lexer: ConditionLexer
  private var token = ConditionLexer.Token.end
  /// 1-based, of `token`.
  private var place = 1
  private var depth = 0
  private(set) var names: [Condition.Name] = []
  private(set) var optional: Set<Reference> = []

  init(_ text: String) { lexer = ConditionLexer(text) }

  mutating func parse() throws(ConditionMistake) -> Condition.Node {
    try advance()
    let start = place
    let node = try any()
    guard token == .end else { throw unexpected("an operator such as && or ==") }
    try expect(node, .bool, at: start)
    return node
  }

  // MARK: Tokens

  private mutating func advance() throws(ConditionMistake) {
    (token, place) = try lexer.take()
  }

  private mutating func take(_ symbol: String) throws(ConditionMistake) -> Bool {
    guard token == .symbol(symbol) else { return false }
    try advance()
    return true
  }

  private mutating func require(_ symbol: String) throws(ConditionMistake) {
    guard try take(symbol) else { throw unexpected("\"\(symbol)\"") }
  }

  private func unexpected(_ expected: String) -> ConditionMistake {
    var hint = ""
    if token == .symbol("-") || token == .symbol(".") {
      hint = "; write tasks['ID'] and x['key'] for names with other than letters, digits and _"
    }
    return ConditionMistake(place, "expected \(expected), not \(token.shown)\(hint)")
  }

  /// One level further in.
  private mutating func nested(
    _ body: (inout Self) throws(ConditionMistake) -> Condition.Node
  ) throws(ConditionMistake) -> Condition.Node {
    guard depth < Condition.maxDepth else {
      throw ConditionMistake(place, "nested deeper than \(Condition.maxDepth) levels")
    }
    depth += 1
    let node = try body(&self)
    depth -= 1
    return node
  }

  // MARK: Grammar

  private mutating func any() throws(ConditionMistake) -> Condition.Node {
    try joined("||", { parser throws(ConditionMistake) in try parser.all() }, { .any($0) })
  }

  private mutating func all() throws(ConditionMistake) -> Condition.Node {
    try joined("&&", { parser throws(ConditionMistake) in try parser.test() }, { .all($0) })
  }

  private mutating func joined(
    _ symbol: String, _ part: (inout Self) throws(ConditionMistake) -> Condition.Node,
    _ make: ([Condition.Node]) -> Condition.Node
  ) throws(ConditionMistake) -> Condition.Node {
    var start = place
    let first = try part(&self)
    guard token == .symbol(symbol) else { return first }
    try expect(first, .bool, at: start)
    var parts = [first]
    while try take(symbol) {
      start = place
      parts.append(try part(&self))
      try expect(parts[parts.count - 1], .bool, at: start)
    }
    return make(parts)
  }

  private mutating func test() throws(ConditionMistake) -> Condition.Node {
    let start = place
    let left = try value()
    let operatorPlace = place
    if token == .name("in") {
      try advance()
      let rightPlace = place
      let right = try value()
      try expect(right, .list, at: rightPlace)
      return .isIn(left, right)
    }
    guard case .symbol(let symbol) = token, let comparison = Condition.Comparison(rawValue: symbol)
    else { return left }
    try advance()
    let rightPlace = place
    let right = try value()
    if case .symbol(let again) = token, Condition.Comparison(rawValue: again) != nil {
      throw ConditionMistake(place, "one comparison at a time; use && or parentheses")
    }
    try check(comparison, left, start, right, rightPlace, operatorPlace)
    return .compare(comparison, left, right)
  }

  private mutating func value() throws(ConditionMistake) -> Condition.Node {
    if try take("!") {
      return try nested { parser throws(ConditionMistake) in
        let start = parser.place
        let node = try parser.value()
        try parser.expect(node, .bool, at: start)
        return .not(node)
      }
    }
    if try take("-") {
      guard case .number(let text) = token else { throw unexpected("a number after \"-\"") }
      try advance()
      return .literal(.number("-" + text))
    }
    let start = place
    var node = try operand()
    var calls = 0
    while token == .symbol(".") {
      try advance()
      guard case .name(let word) = token, let test = Condition.TextTest(rawValue: word) else {
        throw unexpected("startsWith, endsWith or contains")
      }
      calls += 1
      guard calls == 1 else { throw ConditionMistake(place, "\(word) needs a string before it") }
      try expect(node, .string, at: start)
      try advance()
      node = try call(test, node)
    }
    return node
  }

  /// What stands in the parentheses of a method.
  private mutating func call(
    _ test: Condition.TextTest, _ text: Condition.Node
  ) throws(ConditionMistake) -> Condition.Node {
    try require("(")
    let start = place
    let argument = try nested { parser throws(ConditionMistake) in try parser.any() }
    try expect(argument, .string, at: start)
    try require(")")
    return .test(test, text, argument)
  }

  private mutating func operand() throws(ConditionMistake) -> Condition.Node {
    switch token {
    case .string(let text): return try literal(.string(text))
    case .number(let text): return try literal(.number(text))
    case .symbol("("):
      try advance()
      let node = try nested { parser throws(ConditionMistake) in try parser.any() }
      try require(")")
      return node
    case .symbol("["): return try list()
    case .name("true"): return try literal(.bool(true))
    case .name("false"): return try literal(.bool(false))
    case .name("null"): return try literal(.null)
    case .name("size"):
      try advance()
      try require("(")
      let start = place
      let node = try nested { parser throws(ConditionMistake) in try parser.any() }
      try expect(node, .list, .string, at: start)
      try require(")")
      return .size(node)
    case .name("has"):
      try advance()
      try require("(")
      let start = place
      guard case .value(let reference) = try name() else {
        throw ConditionMistake(start, "has() asks for a field, not for a status")
      }
      try require(")")
      optional.insert(reference)
      return .has(reference)
    case .name: return .name(try name())
    case .symbol, .end: throw unexpected("a value")
    }
  }

  private mutating func literal(_ value: JSONValue) throws(ConditionMistake) -> Condition.Node {
    try advance()
    return .literal(value)
  }

  private mutating func list() throws(ConditionMistake) -> Condition.Node {
    try require("[")
    var elements: [Condition.Node] = []
    while token != .symbol("]") {
      elements.append(try nested { parser throws(ConditionMistake) in try parser.any() })
      guard try take(",") else { break }
    }
    try require("]")
    return .list(elements)
  }

  // MARK: Names

  private mutating func name() throws(ConditionMistake) -> Condition.Name {
    let start = place
    guard case .name(let root) = token else { throw unexpected("inputs or tasks") }
    guard root == "inputs" || root == "tasks" else {
      throw ConditionMistake(
        start, "\"\(root)\" is not known; there are inputs, tasks, size(), has(), true, false, null"
      )
    }
    try advance()
    var steps = try self.steps()
    let name: Condition.Name
    if root == "inputs" {
      name = .value(Reference(.inputs, steps))
    } else {
      guard steps.count >= 2, case .key(let id) = steps[0], case .key(let field) = steps[1],
        field == "output" || (field == "status" && steps.count == 2)
      else {
        if token == .symbol("-") { throw unexpected("an operator") }
        throw ConditionMistake(start, "write tasks.ID.output or tasks.ID.status")
      }
      steps.removeFirst(2)
      name =
        field == "status" ? .status(taskID: id) : .value(Reference(.task(id), steps))
    }
    names.append(name)
    guard names.count <= Condition.maxNames else {
      throw ConditionMistake(start, "reads more than \(Condition.maxNames) values")
    }
    return name
  }

  private mutating func steps() throws(ConditionMistake) -> [JSONPathStep] {
    var steps: [JSONPathStep] = []
    while true {
      if token == .symbol("[") {
        try advance()
        steps.append(try bracket())
        try require("]")
      } else if token == .symbol("."), !(try isMethodNext()) {
        try advance()
        guard case .name(let word) = token else { throw unexpected("a name after the dot") }
        steps.append(.key(word))
        try advance()
      } else {
        return steps
      }
    }
  }

  private mutating func bracket() throws(ConditionMistake) -> JSONPathStep {
    switch token {
    case .string(let key):
      try advance()
      return .key(key)
    case .number(let text):
      guard let index = Int(text) else { throw unexpected("a whole number") }
      try advance()
      return .index(index)
    default: throw unexpected("a number or a quoted name")
    }
  }

  /// Whether a method follows the dot at the parser, rather than a field of that name.
  private func isMethodNext() throws(ConditionMistake) -> Bool {
    var ahead = lexer
    guard case .name(let word) = try ahead.take().token,
      Condition.TextTest(rawValue: word) != nil
    else { return false }
    return try ahead.take().token == .symbol("(")
  }
}
