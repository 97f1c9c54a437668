import Store
import StoreConformance
import Testing

struct MemoryStoreTests {
  @Test(arguments: StoreCheck.volatile)
  func conforms(_ check: StoreCheck) throws {
    try check.run(StorePlace { MemoryStore() })
  }

  @Test func promisesNothingAcrossARestart() {
    #expect(!MemoryStore().isDurable)
  }
}
