import Store
import StoreConformance
import StoreSQLite
import Testing

struct SQLiteStoreTests {
  @Test(arguments: StoreCheck.all)
  func conforms(_ check: StoreCheck) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/baton.db"
    try check.run(StorePlace { try SQLiteStore(path: path) })
    folder.remove()
  }
}
