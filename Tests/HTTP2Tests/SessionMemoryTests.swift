import Testing

@testable import HTTP2

@Suite struct SessionMemoryTests {
  @Test func freedBlocksAreHandedOutAgainBySize() {
    let memory = SessionMemory()
    let block = memory.allocate(100)
    memory.free(block)
    #expect(memory.keptBytes == 112)
    let other = memory.allocate(120)
    #expect(other != block)
    let again = memory.allocate(112)
    #expect(again == block)
    #expect(memory.keptBytes == 0)
    memory.free(other)
    memory.free(again)
    memory.free(nil)
    #expect(memory.keptBytes == 240)
  }

  @Test func blocksAreAligned() {
    let memory = SessionMemory()
    let blocks = [0, 1, 15, 16, 17, 600].map { memory.allocate($0) }
    for block in blocks { #expect(Int(bitPattern: block) % 16 == 0) }
    for block in blocks { memory.free(block) }
  }

  @Test func zeroedAlsoWhenUsedBefore() throws {
    let memory = SessionMemory()
    let block = memory.allocate(64)
    block.initializeMemory(as: UInt8.self, repeating: 7, count: 64)
    memory.free(block)
    let zeroed = try #require(memory.allocateZeroed(8, 8))
    #expect(zeroed == block)
    let bytes = UnsafeRawBufferPointer(start: zeroed, count: 64)
    #expect(bytes.allSatisfy { $0 == 0 })
    memory.free(zeroed)
    #expect(memory.allocateZeroed(.max, 2) == nil)
  }

  @Test func aBlockThatGrowsKeepsItsBytes() {
    let memory = SessionMemory()
    let block = memory.resize(nil, 20)
    block.initializeMemory(as: UInt8.self, repeating: 9, count: 32)
    #expect(memory.resize(block, 32) == block)
    let larger = memory.resize(block, 5_000)
    let bytes = UnsafeRawBufferPointer(start: larger, count: 32)
    #expect(bytes.allSatisfy { $0 == 9 })
    #expect(memory.keptBytes == 32)
    #expect(memory.resize(larger, 1) == larger)
    memory.free(larger)
    #expect(memory.keptBytes == 32)
  }

  @Test func whatIsKeptIsBounded() {
    let memory = SessionMemory()
    let blocks = (0..<1_000).map { memory.allocate($0 % 512 + 1) }
    for block in blocks { memory.free(block) }
    #expect(memory.keptBytes > SessionMemory.keptBytesMax - 512)
    #expect(memory.keptBytes <= SessionMemory.keptBytesMax)
    memory.releaseSpare()
    #expect(memory.keptBytes == 0)
    memory.free(memory.allocate(512))
    #expect(memory.keptBytes == 512)
  }
}
