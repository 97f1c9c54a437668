/// The rule of ids and names: `[A-Za-z0-9][A-Za-z0-9._:-]*`.
public enum Identifier {
  /// What is wrong with an id; nil where it is one.
  public static func mistake(in id: String, maxBytes: Int = 255) -> String? {
    if id.isEmpty { return "is empty; write letters, digits and . _ : -" }
    if id.utf8.count > maxBytes { return "\(id.utf8.count) bytes; the limit is \(maxBytes)" }
    let isWord = { (byte: UInt8) in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: false
      }
    }
    let rest = id.utf8.dropFirst().allSatisfy { byte in
      isWord(byte) || "._:-".utf8.contains(byte)
    }
    guard let first = id.utf8.first, isWord(first), rest else {
      return "\"\(id)\" is no id; start with a letter or digit, "
        + "go on with letters, digits and . _ : -"
    }
    return nil
  }
}
