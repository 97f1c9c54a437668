/// The messages of a repeated field in a view; each becomes a view when it is looked at.
public struct MessageViews<Element: Message>: ~Escapable {
  public let count: Int
  /// Pointers to protoc-c's structs.
  private let elements: UnsafeRawPointer?

  @_lifetime(immortal)
  package init<Structure>(
    _ count: Int, _ elements: UnsafeMutablePointer<UnsafeMutablePointer<Structure>?>?
  ) {
    self.count = count
    self.elements = UnsafeRawPointer(elements)
  }

  /// The struct at an index below `count`.
  package func pointer<Structure>(_ index: Int) -> UnsafePointer<Structure> {
    let stride = MemoryLayout<UnsafeMutablePointer<Structure>?>.stride
    precondition(index >= 0 && index < count, "index \(index) of \(count) messages")
    let structure = elements?.load(
      fromByteOffset: index * stride, as: UnsafeMutablePointer<Structure>?.self)
    guard let structure else { preconditionFailure("a message without a struct") }
    return UnsafePointer(structure)
  }
}
