/// A row of the table of rooms in docs/architecture.md.
struct Room: Equatable {
  var name: String
  /// Modules of ours that it may import.
  var rooms: Set<String>
  /// Modules of others that it may import.
  var libraries: Set<String>
}

/// Reads the table whose first column is headed `room`.
func roomTable(_ markdown: String) -> [Room] {
  let lines = markdown.split(separator: "\n", omittingEmptySubsequences: false)
  guard let header = lines.firstIndex(where: { cells($0).first == "room" }) else { return [] }
  return lines[(header + 2)...].prefix { $0.hasPrefix("|") }.compactMap { line in
    let row = cells(line)
    guard row.count == 4, let name = codeWords(row[0]).first else { return nil }
    return Room(
      name: name, rooms: Set(codeWords(row[2])), libraries: Set(codeWords(row[3])))
  }
}

private func cells(_ line: Substring) -> [String] {
  guard line.hasPrefix("|") else { return [] }
  return line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map {
    String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}

/// What stands between backticks.
private func codeWords(_ cell: String) -> [String] {
  cell.split(separator: "`", omittingEmptySubsequences: false).enumerated().compactMap {
    $0.offset % 2 == 1 ? String($0.element) : nil
  }
}
