public import Plan

/// A dialog as durable stores keep it: of each turn the prompt, then the value, each as its length (4
/// bytes, the highest first) and its bytes. The length of a value that is not there is all ones.
public enum DialogRecord {
  private static let absent = UInt32.max

  public static func encode(_ turns: [DialogTurn]) -> [UInt8] {
    var bytes: [UInt8] = []
    for turn in turns {
      append(turn.prompt, to: &bytes)
      append(turn.value, to: &bytes)
    }
    return bytes
  }

  private static func append(_ text: [UInt8]?, to bytes: inout [UInt8]) {
    let length = text.map { UInt32($0.count) } ?? absent
    withUnsafeBytes(of: length.bigEndian) { bytes.append(contentsOf: $0) }
    bytes += text ?? []
  }

  public static func decode(_ bytes: [UInt8]) throws(StoreError) -> [DialogTurn] {
    var turns: [DialogTurn] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      guard let prompt = try text(&rest) else {
        throw StoreError(.corrupt, "a turn of a dialog has no prompt")
      }
      turns.append(DialogTurn(prompt: prompt, value: try text(&rest)))
    }
    return turns
  }

  private static func text(_ rest: inout ArraySlice<UInt8>) throws(StoreError) -> [UInt8]? {
    let length = rest.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard rest.count >= 4, length == absent || rest.count - 4 >= Int(length) else {
      throw StoreError(.corrupt, "\(rest.count) bytes are no text of a dialog")
    }
    rest = rest.dropFirst(4)
    guard length != absent else { return nil }
    defer { rest = rest.dropFirst(Int(length)) }
    return Array(rest.prefix(Int(length)))
  }
}
