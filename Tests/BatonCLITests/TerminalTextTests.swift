import Testing

@testable import BatonCLI

@Suite struct TerminalTextTests {
  @Test(arguments: [
    ("plain", "plain"),
    ("\u{1B}[31mred\u{1B}[0m", "red"),
    ("a\u{1B}[2J\u{1B}[1;1Hb", "ab"),
    ("\u{1B}]0;new title\u{07}text", "text"),
    ("\u{1B}]8;;http://example.org\u{1B}\\link\u{1B}]8;;\u{1B}\\", "link"),
    ("\u{1B}Pq#0\u{1B}\\after", "after"),
    ("\u{9B}31mred", "red"),
    ("\u{90}data\u{9C}after", "after"),
    ("\u{1B}(Bx\u{1B}cy\u{1B}", "xy"),
    ("one\ntwo\r\nthree\rfour\tfive", "one two three four five"),
    ("bell\u{07}back\u{08}null\u{00}del\u{7F}", "bellbacknulldel"),
    ("\u{202E}evil\u{202C} \u{2066}x\u{2069}", "evil x"),
    ("größe 茶 👩‍🔬", "größe 茶 👩‍🔬"),
    // A string that never ends hides the rest instead of reaching the terminal.
    ("a\u{1B}]0;title", "a"),
  ])
  func nothingThatATerminalActsOnIsLeft(text: String, clean: String) {
    #expect(TerminalText.clean(text) == clean)
    let bad = TerminalText.clean(text).unicodeScalars.contains {
      $0.value < 0x20 || (0x7F..<0xA0).contains($0.value)
    }
    #expect(!bad)
  }

  @Test func linesKeepTheirBreaks() {
    #expect(TerminalText.cleanLines("a\u{1B}[1m\r\nb\n\nc") == ["a", "b", "", "c"])
  }

  @Test(arguments: [("abc", 3), ("茶", 2), ("e\u{301}", 1), ("👩‍🔬", 2), ("⚠️", 2), ("", 0), ("✓", 1)])
  func widthIsInColumns(text: String, columns: Int) {
    #expect(TerminalText.width(text) == columns)
  }

  @Test func clippedTextFits() {
    #expect(TerminalText.clip("abcdef", to: 6) == "abcdef")
    #expect(TerminalText.clip("abcdef", to: 4) == "abc…")
    #expect(TerminalText.clip("茶茶茶", to: 4) == "茶…")
    #expect(TerminalText.clip("abc", to: 0) == "")
    #expect(TerminalText.clipStart("abcdef", to: 4) == "…def")
    #expect(TerminalText.clipStart("茶茶茶", to: 4) == "…茶")
  }

  @Test func wrappedTextKeepsItsWords() {
    #expect(TerminalText.wrap("one two three", to: 7) == ["one two", "three"])
    #expect(TerminalText.wrap("a toolongword b", to: 5) == ["a", "toolo", "ngwor", "d b"])
    #expect(TerminalText.wrap("", to: 5) == [""])
    #expect(TerminalText.wrap("茶茶茶", to: 1).joined() == "茶茶茶")
  }
}
