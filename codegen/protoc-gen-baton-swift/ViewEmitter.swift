/// Emits a message's view: its fields, decoded on access from the C struct.
extension MessageEmitter {
  private var structure: String { CName.structure(message.fullName) }

  func emitView(_ out: inout SourceText) {
    out.line()
    out.comment(
      "Runs `body` with the message's fields, which are decoded as they are looked at: cheaper than "
        + "a value where few of them are.")
    out.line("public static func withView<Output>(")
    out.line("serializedBytes: UnsafeRawBufferPointer, _ body: (View) throws -> Output")
    out.block(") throws -> Output") { out in
      out.line("try Codec.withStructure(Self.self, serializedBytes) { c in")
      out.line("Result { try body(View(c)) }")
      out.line("}.get().get()")
    }
    out.line()
    out.comment("The fields of `\(message.fullName)`, each decoded whenever it is looked at.")
    out.block("public struct View: ~Escapable") { out in
      out.line("let _c: UnsafePointer<\(structure)>")
      out.line()
      out.line("@_lifetime(borrow c)")
      out.line("init(_ c: UnsafePointer<\(structure)>) { _c = c }")
      for property in properties {
        out.line()
        emitViewProperty(property, &out)
      }
    }
  }

  private func emitViewProperty(_ property: Property, _ out: inout SourceText) {
    switch property {
    case .oneof(let oneof, let members):
      out.block("public var \(name(oneof)): \(type(oneof))?") {
        emitOneofRead(oneof, members, "_c", &$0)
      }
    case .field(let code) where code.field.kind == .message && code.map == nil:
      let element = code.elementType(code.field)
      let isList = code.field.isRepeated
      let type = isList ? "MessageViews<\(element)>" : "\(element).View?"
      out.block("public var \(code.name): \(type)") { out in
        out.line("@_lifetime(copy self)")
        out.block("get") { out in
          if isList {
            out.line("_overrideLifetime(MessageViews(")
            out.line("_c.pointee.\(code.count), _c.pointee.\(code.member)), copying: self)")
          } else {
            out.line("guard let c = _c.pointee.\(code.member) else { return nil }")
            out.line("return _overrideLifetime(\(element).View(c), copying: self)")
          }
        }
      }
    case .field(let code):
      out.block("public var \(code.name): \(code.type)") { $0.line(code.readExpression("_c")) }
    }
  }

  func emitViewList(_ out: inout SourceText) {
    out.line()
    out.block("extension MessageViews<\(swiftType)>") { out in
      out.comment("The message at an index below `count`.")
      out.block("public subscript(index: Int) -> \(swiftType).View") { out in
        out.line("@_lifetime(copy self)")
        out.line("get { _overrideLifetime(\(swiftType).View(pointer(index)), copying: self) }")
      }
    }
  }
}
