/// Lines at the end of the terminal that are drawn anew in place.
struct LiveScreen {
  private let terminal: Terminal
  private var drawn = 0

  init(_ terminal: Terminal) { self.terminal = terminal }

  /// Replaces the lines drawn before. Each must fit the terminal's width.
  mutating func draw(_ lines: [String]) {
    // ECMA-48: CPL moves up to a line's start, EL clears to its end, ED what is below.
    var text = drawn > 0 ? "\u{1B}[\(drawn)F" : ""
    for line in lines { text += "\(line)\u{1B}[K\n" }
    text += "\u{1B}[J"
    terminal.write(text)
    drawn = lines.count
  }
}
