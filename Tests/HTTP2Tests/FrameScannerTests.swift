import NIOCore
import Testing

@testable import HTTP2

@Suite struct FrameScannerTests {
  private func scan(_ bytes: [UInt8], chunkBytes: Int, prefaceBytes: Int = 0) -> [String] {
    var scanner = FrameScanner(prefaceBytes: prefaceBytes)
    var lines: [String] = []
    for start in stride(from: 0, to: bytes.count, by: chunkBytes) {
      let chunk = Array(bytes[start..<min(start + chunkBytes, bytes.count)])
      chunk.withUnsafeBytes { bytes in
        var offset = 0
        while let frame = scanner.next(bytes, &offset) {
          lines.append("\(frame.type) \(frame.flags) \(frame.stream) \(frame.length)")
        }
      }
    }
    return lines
  }

  @Test func framesHoweverTheyAreCut() {
    let all = frames([
      frame(4, []), frame(1, flags: 4, stream: 1, requestBlock), frame(6, [UInt8](0..<8)),
      frame(0, flags: 1, stream: 1, [UInt8](repeating: 1, count: 300)),
      frame(8, stream: 0x8000_0003, [0, 0, 0, 1]),
    ])
    let bytes = Array("preface".utf8) + Array(all.readableBytesView)
    let expected = [
      "4 0 0 0", "1 4 1 \(requestBlock.count)", "6 0 0 8", "0 1 1 300", "8 0 3 4",
    ]
    for size in [1, 2, 3, 5, 8, 9, 10, 17, 100, 1_000] {
      #expect(scan(bytes, chunkBytes: size, prefaceBytes: 7) == expected)
    }
  }

  @Test func theFirstWordOfThePayload() {
    var scanner = FrameScanner(prefaceBytes: 0)
    let bytes = Array(frame(2, stream: 3, [0x80, 0, 0, 3, 9]).readableBytesView)
    var offset = 0
    let found = bytes.withUnsafeBytes { scanner.next($0, &offset)?.firstWord }
    #expect(found == 0x8000_0003)
  }
}
