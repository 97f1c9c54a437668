/// Source text under construction, a line at a time. `swift format` gives it its final shape; only
/// comments have to fit from the start.
struct SourceText {
  private(set) var text = ""
  /// Levels of two spaces.
  var depth = 0
  /// Without it lines that start with `public` or `package` lose that word.
  let isPublic: Bool

  init(isPublic: Bool = true) { self.isPublic = isPublic }

  mutating func line(_ line: String = "") {
    guard !line.isEmpty else {
      text += "\n"
      return
    }
    var rest = line[...]
    for access in ["public ", "package "] where !isPublic && rest.hasPrefix(access) {
      rest = rest.dropFirst(access.count)
    }
    text += String(repeating: "  ", count: depth) + rest + "\n"
  }

  /// Lines with braces around: `open {`, the body one level deeper, `}`.
  mutating func block(_ open: String, _ body: (inout SourceText) -> Void) {
    line(open + " {")
    depth += 1
    body(&self)
    depth -= 1
    line("}")
  }

  /// A documentation comment, wrapped at 100 columns; paragraphs are kept.
  mutating func comment(_ comment: String) {
    let width = 100 - 2 * depth - 4
    for paragraph in paragraphs(comment) {
      guard !paragraph.isEmpty else {
        line("///")
        continue
      }
      for wrapped in wrap(paragraph, width) { line("/// \(wrapped)") }
    }
  }
}

/// The comment's paragraphs, each on one line, with an empty one between two of them.
func paragraphs(_ comment: String) -> [String] {
  var result: [String] = []
  var current: [Substring] = []
  func flush() {
    guard !current.isEmpty else { return }
    if !result.isEmpty { result.append("") }
    result.append(current.joined(separator: " "))
    current = []
  }
  for line in comment.split(separator: "\n", omittingEmptySubsequences: false) {
    let words = line.split(separator: " ")
    if words.isEmpty { flush() } else { current += words }
  }
  flush()
  return result
}

private func wrap(_ paragraph: String, _ width: Int) -> [String] {
  var lines: [String] = []
  var current = ""
  for word in paragraph.split(separator: " ") {
    if !current.isEmpty, current.count + 1 + word.count > width {
      lines.append(current)
      current = ""
    }
    current += current.isEmpty ? word : " \(word)"
  }
  return current.isEmpty ? lines : lines + [current]
}
