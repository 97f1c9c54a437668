/// Text as a terminal may be given it.
///
/// What tasks say comes from models and other people's programs: control characters and escape
/// sequences in it could move the cursor, change the title or imitate other output.
enum TerminalText {
  /// One line without anything a terminal acts on; line breaks and tabs become spaces.
  static func clean(_ text: String) -> String {
    scrub(text, lineBreak: " ")
  }

  /// The same with line breaks kept.
  static func cleanLines(_ text: String) -> [String] {
    scrub(text, lineBreak: "\n").split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
  }

  private static func scrub(_ text: String, lineBreak: Unicode.Scalar) -> String {
    var scalars = Substring(text).unicodeScalars
    var clean = String.UnicodeScalarView()
    while let scalar = scalars.popFirst() {
      switch scalar.value {
      case 0x1B: skipEscape(&scalars)
      case 0x9B: skipSequence(&scalars)
      case 0x90, 0x98, 0x9D...0x9F: skipString(&scalars)
      case 0x0D where scalars.first == "\n": break
      case 0x0A, 0x0D, 0x85, 0x2028, 0x2029: clean.append(lineBreak)
      case 0x09: clean.append(" ")
      case 0..<0x20, 0x7F..<0xA0: break
      // Marks that turn the direction of what follows, and a byte order mark.
      case 0x200E, 0x200F, 0x061C, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: break
      default: clean.append(scalar)
      }
    }
    return String(clean)
  }

  /// ECMA-48 section 5.3: what follows ESC.
  private static func skipEscape(_ scalars: inout Substring.UnicodeScalarView) {
    guard let first = scalars.first else { return }
    switch first {
    case "[":
      scalars.removeFirst()
      skipSequence(&scalars)
    case "]", "P", "X", "^", "_":
      scalars.removeFirst()
      skipString(&scalars)
    default:
      while let next = scalars.first, (0x20...0x2F).contains(next.value) { scalars.removeFirst() }
      if let final = scalars.first, (0x30...0x7E).contains(final.value) { scalars.removeFirst() }
    }
  }

  /// ECMA-48 section 5.4: parameters and intermediates up to a final byte.
  private static func skipSequence(_ scalars: inout Substring.UnicodeScalarView) {
    while let next = scalars.first, (0x20...0x3F).contains(next.value) { scalars.removeFirst() }
    if let final = scalars.first, (0x40...0x7E).contains(final.value) { scalars.removeFirst() }
  }

  /// ECMA-48 section 5.6: up to ST, or BEL as xterm has it.
  private static func skipString(_ scalars: inout Substring.UnicodeScalarView) {
    while let next = scalars.popFirst() {
      if next.value == 0x07 || next.value == 0x9C { return }
      if next.value == 0x1B, scalars.first == "\\" {
        scalars.removeFirst()
        return
      }
    }
  }

  /// Columns that clean text takes.
  static func width(_ text: String) -> Int { text.reduce(0) { $0 + width($1) } }

  /// Two for what East Asian typography sets wide and for emoji (Unicode UAX #11), else one.
  private static func width(_ character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    switch scalar.value {
    case 0..<0x300: return 1
    case 0x300..<0x370, 0x200B...0x200D, 0xFE00...0xFE0F: return 0
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
      0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1FAFF,
      0x20000...0x3FFFD:
      return 2
    default:
      return character.unicodeScalars.contains { $0.value == 0xFE0F } ? 2 : 1
    }
  }

  /// The start of a text within `columns`; an ellipsis says that there is more.
  static func clip(_ text: String, to columns: Int) -> String {
    guard width(text) > columns else { return text }
    guard columns > 0 else { return "" }
    var clipped = ""
    var left = columns - 1
    for character in text {
      left -= width(character)
      if left < 0 { break }
      clipped.append(character)
    }
    return clipped + "…"
  }

  /// The end of a text within `columns`.
  static func clipStart(_ text: String, to columns: Int) -> String {
    guard width(text) > columns else { return text }
    guard columns > 0 else { return "" }
    var kept: [Character] = []
    var left = columns - 1
    for character in text.reversed() {
      left -= width(character)
      if left < 0 { break }
      kept.append(character)
    }
    return "…" + String(kept.reversed())
  }

  /// Clean text in lines of at most `columns`, broken between words where that can be.
  static func wrap(_ line: String, to columns: Int) -> [String] {
    var lines: [String] = []
    var current = ""
    for word in line.split(separator: " ") {
      var word = String(word)
      if !current.isEmpty, width(current) + 1 + width(word) > columns {
        lines.append(current)
        current = ""
      }
      while width(word) > columns {
        let head = String(clip(word, to: columns + 1).dropLast())
        guard !head.isEmpty else { break }
        lines.append(head)
        word.removeFirst(head.count)
      }
      current += (current.isEmpty ? "" : " ") + word
    }
    if !current.isEmpty || lines.isEmpty { lines.append(current) }
    return lines
  }
}
