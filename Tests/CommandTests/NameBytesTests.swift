import Foundation
import Testing

/// Names of files are bytes: those that are no text are taken as they are, for inputs and outputs alike.
@Suite struct NameBytesTests {
    /// Runs a shell's script that may say `rain`, with names whose bytes `$E` is no UTF-8.
    private func run(_ script: String, in place: Workplace) throws -> Outcome {
        try place.start([], script: "E=$(printf 'caf\\351'); rain() { \"$RAIN\" \"$@\"; }; RAIN=$0; " + script).wait()
    }

    @Test(
        "A name that is no text, as what is read and what is written",
        arguments: [
            ("cp hero.png $E.png; cp hero.landmarks.json $E.landmarks.json", "rain picture $E.png --output $E-out", "$E-out/$E.png.png"),
            (
                "mv hero.png $E.png; mv hero.landmarks.json $E.landmarks.json; cp motion.json $E.json",
                "rain animate --reference $E.png --driving $E.json --model tiny --frames 2 --output $E.mp4", "$E.mp4"
            ),
            ("mv tiny $E", "rain animate --reference hero.png --driving motion.json --model $E --frames 2 --output $E.gif", "$E.gif"),
            ("true", "rain animate --reference hero.png --driving motion.json --model tiny --frames 2 --output $E/", "$E/000002.png"),
            ("true", "rain character --seed 3 --size 32 --output $E.png", "$E.landmarks.json"),
            ("true", "rain motion --seed 3 --seconds 1 --output $E.json", "$E.json"),
            ("true", "rain convert tiny $E.safetensors", "$E.safetensors"),
            ("mkdir $E; ln -s hero.png $E/link", "rain character --seed 3 --size 32 --output $E/link.png", "$E/link.png"),
        ])
    func names(_ before: String, _ command: String, _ result: String) throws {
        let place = try Workplace.withTinyModel()
        let outcome = try run("\(before); \(command) && test -s \(result) && ! ls | grep -q partial", in: place)
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test("What cannot be used is named with its bytes, and inputs are not replaced") func errors() throws {
        let place = try Workplace.withTinyModel()
        let missing = try run("rain picture $E.png", in: place)
        #expect(missing.status == 1)
        #expect(missing.errors.contains("caf\\xE9.png"), "\(missing.errors)")
        let clash = try run("cp hero.png $E.png; rain cut --reference $E.png --output cut --sheet ./$E.png", in: place)
        #expect(clash.status == 2, "\(clash.errors)")
        #expect(clash.errors.contains("--sheet"), "\(clash.errors)")
    }
}
