/// A target of Package.swift.
struct ManifestTarget: Equatable {
  var name: String
  /// Names of targets and products, in order.
  var dependencies: [String]
}

/// Reads the targets of a Package.swift that are not tests: calls of `room`, `.target`,
/// `.executableTarget` and `.systemLibrary`, with their dependencies as literals or as constants
/// of the manifest.
func manifestTargets(_ text: String) -> [ManifestTarget] {
  let code = SwiftSource(text).code
  let constants = productConstants(code)
  var targets: [ManifestTarget] = []
  for call in [" room(", " .target(", " .executableTarget(", " .systemLibrary("] {
    for arguments in argumentLists(of: call, in: code) {
      guard let name = literals(arguments).first else { continue }
      targets.append(
        ManifestTarget(name: name, dependencies: dependencies(arguments, constants)))
    }
  }
  return targets
}

/// `let nioCore: Target.Dependency = .product(name: "NIOCore", …` as nioCore -> NIOCore.
private func productConstants(_ code: String) -> [String: String] {
  var constants: [String: String] = [:]
  for piece in code.components(after: "let ") where piece.contains(": Target.Dependency =") {
    guard let product = piece.components(after: ".product(").first.flatMap({ literals($0).first })
    else { continue }
    constants[String(piece.prefix { $0.isLetter || $0.isNumber })] = product
  }
  return constants
}

/// The names in the first bracket that is a list of dependencies.
private func dependencies(_ arguments: String, _ constants: [String: String]) -> [String] {
  let labelled = arguments.components(after: "dependencies:").first
  // `room("Name", [...])` has the list as its second argument.
  let list = labelled ?? (arguments.contains("name:") ? "" : arguments)
  guard let start = list.firstIndex(of: "[") else { return [] }
  var depth = 0
  var elements = [""]
  for character in list[start...] {
    if "[(".contains(character) { depth += 1 }
    if "])".contains(character) { depth -= 1 }
    if depth == 0 { break }
    if depth == 1, character == "," {
      elements.append("")
    } else {
      elements[elements.count - 1].append(character)
    }
  }
  return elements.compactMap { element in
    if let literal = literals(element).first { return literal }
    let name = element.filter { $0.isLetter || $0.isNumber }
    return name.isEmpty ? nil : constants[name] ?? name
  }
}

/// What stands between the parentheses of each call.
private func argumentLists(of call: String, in code: String) -> [String] {
  code.components(after: call).map { rest in
    var depth = 1
    return String(
      rest.prefix { character in
        if character == "(" { depth += 1 }
        if character == ")" { depth -= 1 }
        return depth > 0
      })
  }
}

/// String literals; the manifest has none with escapes.
private func literals(_ text: String) -> [String] {
  text.split(separator: "\"", omittingEmptySubsequences: false).enumerated().compactMap {
    $0.offset % 2 == 1 ? String($0.element) : nil
  }
}

extension String {
  /// The rest of the text after each occurrence.
  fileprivate func components(after separator: String) -> [String] {
    ranges(of: separator).map { String(self[$0.upperBound...]) }
  }
}
