/// What the terminal can show.
struct Style: Sendable, Equatable {
  var usesColor: Bool
  /// Letters beyond ASCII.
  var usesUnicode: Bool

  /// As for a file or a pipe.
  static let plain = Style(usesColor: false, usesUnicode: true)

  enum Color: String, Sendable {
    case red = "31"
    case green = "32"
    case yellow = "33"
    case blue = "34"
    case cyan = "36"
    case bold = "1"
    case dim = "2"
  }

  /// `text` must be clean.
  func paint(_ text: String, _ color: Color?) -> String {
    guard usesColor, let color, !text.isEmpty else { return text }
    return "\u{1B}[\(color.rawValue)m\(text)\u{1B}[0m"
  }

  /// One of the frames of something that moves, by the time in milliseconds.
  func spinner(at now: Int64) -> String {
    let frames = usesUnicode ? ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"] : ["|", "/", "-", "\\"]
    return frames[Int((max(0, now) / 100) % Int64(frames.count))]
  }

  /// How much of something is done, `columns` wide.
  func bar(_ done: Int, of total: Int, columns: Int) -> String {
    let filled = total > 0 ? columns * min(max(done, 0), total) / total : 0
    return String(repeating: usesUnicode ? "█" : "#", count: filled)
      + String(repeating: usesUnicode ? "░" : ".", count: columns - filled)
  }
}
