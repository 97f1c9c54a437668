import Digests
import Plan
import Testing

struct SHA256Tests {
  /// Examples of FIPS 180-4, and of the empty message.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func hashesTheExamples(_ text: String, _ expected: String) {
    #expect(hexadecimal(.sha256(of: text)) == expected)
    #expect(hexadecimal(.sha256(of: Array(text.utf8))) == expected)
  }

  @Test func hashesAMillionTimesA() {
    var hasher = SHA256Hasher()
    for _ in 0..<1_000 { hasher.update([UInt8](repeating: 0x61, count: 1_000)) }
    #expect(
      hexadecimal(hasher.finalize())
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func partsMakeAWhole() {
    var hasher = SHA256Hasher()
    hasher.update("ab")
    hasher.update(Array("xc".utf8)[1...])
    hasher.update(UInt64(0x0102_0304_0506_0708))
    #expect(hasher.finalize() == .sha256(of: Array("abc".utf8) + [1, 2, 3, 4, 5, 6, 7, 8]))
  }

  private func hexadecimal(_ digest: Digest) -> String {
    digest.bytes.map { byte in
      let text = String(byte, radix: 16)
      return text.count == 1 ? "0" + text : text
    }.joined()
  }
}
