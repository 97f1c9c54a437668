internal import Messages

/// How much of a list one reply holds: at most 500 items and 1 MiB of encoded messages, and always
/// at least one item, so that a reader gets on.
struct Page {
  static let itemsMax = 500
  static let bytesMax = 1 << 20

  /// Items to read for a page of `wanted`; 0 and less mean the default.
  static func size(_ wanted: Int32, default size: Int = itemsMax) -> Int {
    wanted <= 0 ? size : min(Int(wanted), itemsMax)
  }

  private var bytesLeft: Int
  private var isEmpty = true

  /// A page in a reply that already holds `message`.
  init(holding message: (some Message)? = BatonV1.PlanState?.none) {
    bytesLeft = Self.bytesMax - (message?.serializedBytes().count ?? 0)
  }

  /// Whether `item` still goes onto the page.
  mutating func takes(_ item: some Message) -> Bool {
    // Its field number and length take up to six bytes.
    bytesLeft -= item.serializedBytes().count + 6
    defer { isEmpty = false }
    return isEmpty || bytesLeft >= 0
  }
}
