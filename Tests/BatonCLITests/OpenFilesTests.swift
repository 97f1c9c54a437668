import Foundation
import Testing

@testable import BatonCLI

@Suite struct OpenFilesTests {
  @Test func asManyAsTheProcessMay() {
    let allowed = OpenFiles.allowMost()
    var limit = rlimit()
    #expect(getrlimit(OpenFiles.resource, &limit) == 0)
    #expect(UInt64(limit.rlim_cur) == allowed)
    #expect(limit.rlim_cur == limit.rlim_max)
  }
}
