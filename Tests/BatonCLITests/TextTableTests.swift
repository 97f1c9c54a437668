import Testing

@testable import BatonCLI

@Suite struct TextTableTests {
  private var table: TextTable {
    var table = TextTable(["NAME", "SIZE", "NOTE"], rightAligned: [1])
    table.add([.init("tea"), .init("7"), .init("a plant", .green)])
    table.add([.init("chocolate"), .init("1200"), .init("a very long remark about it")])
    return table
  }

  @Test func columnsAreAsWideAsWhatTheyHold() {
    #expect(
      table.lines(width: nil, style: .plain) == [
        "NAME       SIZE  NOTE",
        "tea           7  a plant",
        "chocolate  1200  a very long remark about it",
      ])
  }

  @Test func theLastColumnGivesWayFirst() {
    #expect(
      table.lines(width: 30, style: .plain) == [
        "NAME       SIZE  NOTE",
        "tea           7  a plant",
        "chocolate  1200  a very long …",
      ])
  }

  @Test(arguments: 20...60) func noLineIsWiderThanAsked(width: Int) {
    for line in table.lines(width: width, style: .plain) {
      #expect(TerminalText.width(line) <= width)
    }
  }

  @Test func colourDoesNotMoveColumns() {
    let colored = table.lines(width: 40, style: Style(usesColor: true, usesUnicode: true))
    #expect(colored[1] == "tea           7  \u{1B}[32ma plant\u{1B}[0m")
    #expect(colored.map { TerminalText.clean($0) } == table.lines(width: 40, style: .plain))
  }

  @Test func cellsAreCleaned() {
    #expect(TextTable.Cell("a\u{1B}[2Jb\nc").text == "ab c")
  }
}
