/// Rows in columns.
struct TextTable {
  struct Cell {
    var text: String
    var color: Style.Color?

    /// Cleans the text.
    init(_ text: String, _ color: Style.Color? = nil) {
      self.text = TerminalText.clean(text)
      self.color = color
    }
  }

  var header: [String]
  /// Columns whose texts stand at their right edge.
  var rightAligned: Set<Int> = []
  private(set) var rows: [[Cell]] = []

  init(_ header: [String], rightAligned: Set<Int> = []) {
    self.header = header
    self.rightAligned = rightAligned
  }

  mutating func add(_ cells: [Cell]) { rows.append(cells) }

  /// The table in lines no wider than `width`; nil: as wide as it is.
  ///
  /// Where it is too wide, the last column gives way first and then the widest.
  func lines(width: Int?, style: Style) -> [String] {
    let widths = columnWidths(fitting: width)
    let head = header.map { Cell($0, .dim) }
    return ([head] + rows).map { line($0, widths, style) }
  }

  private func columnWidths(fitting width: Int?) -> [Int] {
    var widths = header.map { TerminalText.width($0) }
    for row in rows {
      for (column, cell) in row.enumerated() {
        widths[column] = max(widths[column], TerminalText.width(cell.text))
      }
    }
    guard let width, let last = widths.indices.last else { return widths }
    let gaps = 2 * last
    var excess = widths.reduce(gaps, +) - width
    let leastLast = min(widths[last], 12)
    let given = min(max(0, excess), widths[last] - leastLast)
    widths[last] -= given
    excess -= given
    while excess > 0, let widest = widths.indices.max(by: { widths[$0] < widths[$1] }),
      widths[widest] > 1
    {
      widths[widest] -= 1
      excess -= 1
    }
    return widths
  }

  private func line(_ cells: [Cell], _ widths: [Int], _ style: Style) -> String {
    var line = ""
    for (column, cell) in cells.enumerated() {
      let text = TerminalText.clip(cell.text, to: widths[column])
      let padding = String(
        repeating: " ", count: max(0, widths[column] - TerminalText.width(text)))
      let painted = style.paint(text, cell.color)
      let isLast = column == cells.count - 1
      if column > 0 { line += "  " }
      line += rightAligned.contains(column) ? padding + painted : painted + (isLast ? "" : padding)
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}
