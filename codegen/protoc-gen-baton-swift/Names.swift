/// Names in Swift: namespaces from packages, lowerCamelCase from snake_case.
enum SwiftName {
  /// "baton.v1" -> "BatonV1".
  static func namespace(_ package: String) -> String {
    upperCamel(package.split(separator: ".").joined(separator: "_"))
  }

  /// "plan_id" -> "PlanId"; inner capitals are kept.
  static func upperCamel(_ name: String) -> String {
    name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  /// "created_at_ms" -> "createdAtMs"; "SubmitPlan" -> "submitPlan". Not yet escaped.
  static func lowerCamel(_ name: String) -> String {
    let camel = upperCamel(name)
    return camel.prefix(1).lowercased() + camel.dropFirst()
  }

  /// "PLAN_STATUS_RUNNING" without "PLAN_STATUS_" -> "running".
  static func enumCase(_ name: String, without prefix: String) -> String {
    lowerCamel(name.dropFirst(prefix.count).lowercased())
  }

  /// The prefix that all values share by convention, or nothing: "PLAN_STATUS_".
  static func enumPrefix(_ value: ProtoEnum) -> String {
    let prefix = upperSnake(value.name) + "_"
    let isShared = value.values.allSatisfy {
      guard $0.name.hasPrefix(prefix) else { return false }
      return $0.name.dropFirst(prefix.count).first?.isLetter ?? false
    }
    return isShared ? prefix : ""
  }

  /// "PlanStatus" -> "PLAN_STATUS".
  static func upperSnake(_ name: String) -> String {
    var result = ""
    for character in name {
      if character.isUppercase, !result.isEmpty, result.last != "_" { result += "_" }
      result += character.uppercased()
    }
    return result
  }

  /// In backticks where the name is a word of the language.
  static func escaped(_ name: String) -> String {
    keywords.contains(name) ? "`\(name)`" : name
  }

  /// The Swift Programming Language, "Lexical Structure", keywords used in declarations,
  /// statements, expressions and types.
  private static let keywords: Set<String> = [
    "associatedtype", "class", "deinit", "enum", "extension", "fileprivate", "func", "import",
    "init", "inout", "internal", "let", "open", "operator", "precedencegroup", "private",
    "protocol", "public", "rethrows", "static", "struct", "subscript", "typealias", "var",
    "break", "case", "catch", "continue", "default", "defer", "do", "else", "fallthrough", "for",
    "guard", "if", "in", "repeat", "return", "switch", "throw", "where", "while", "Any", "as",
    "await", "false", "is", "nil", "self", "Self", "super", "throws", "true", "try",
  ]
}

/// The names that protoc-c 1.4.1 gives to what it generates.
enum CName {
  /// "baton.v1.Plan" -> "Baton__V1__Plan".
  static func structure(_ fullName: String) -> String {
    fullName.split(separator: ".").map { SwiftName.upperCamel(String($0)) }
      .joined(separator: "__")
  }

  /// "baton.v1.GetPlanRequest" -> "baton__v1__get_plan_request".
  static func function(_ fullName: String) -> String {
    fullName.split(separator: ".").map { lowerSnake(String($0)) }.joined(separator: "__")
  }

  /// Member of a struct. protoc-c appends a "_" to the words of C and C++.
  static func member(_ field: String) -> String {
    let lower = field.lowercased()
    return keywords.contains(lower) ? lower + "_" : lower
  }

  /// The member that says which field of a oneof is set.
  static func oneofCase(_ oneof: String) -> String { "\(lowerSnake(oneof))_case" }

  /// As protoc-c does it: a "_" before a capital that follows no capital.
  private static func lowerSnake(_ name: String) -> String {
    var result = ""
    var wasUpper = true
    for character in name {
      if character.isUppercase, !wasUpper { result += "_" }
      result += character.lowercased()
      wasUpper = character.isUppercase
    }
    return result
  }

  /// ISO C++ [lex.key], the words that protoc-c 1.4.1 escapes.
  private static let keywords: Set<String> = [
    "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
    "class", "compl", "const", "const_cast", "continue", "default", "delete", "do", "double",
    "dynamic_cast", "else", "enum", "explicit", "extern", "false", "float", "for", "friend",
    "goto", "if", "inline", "int", "long", "mutable", "namespace", "new", "not", "not_eq",
    "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast",
    "return", "short", "signed", "sizeof", "static", "static_cast", "struct", "switch", "template",
    "this", "throw", "true", "try", "typedef", "typeid", "typename", "union", "unsigned", "using",
    "virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq",
  ]
}
