import Foundation
import RainNumbers
import RainPictures

/// A change of all colours of a picture at once, as printers, cameras and tastes make them.
struct Grade: Sendable {
    private var hue = 0.0
    private var saturation = 1.0
    private var contrast = 1.0
    private var gamma = 1.0
    private var paper = 0.0
    private var paperColor = Color.white
    private var isInkOnly = false

    init(random: inout SplitMix64, style: Style) {
        let strong = random.chance(0.3)
        hue = strong ? random.uniform(-0.08, 0.08) : random.normal(0.008)
        saturation = random.chance(0.06) ? 0 : random.uniform(strong ? 0.3 : 0.75, strong ? 1.5 : 1.15)
        contrast = random.uniform(strong ? 0.65 : 0.9, strong ? 1.25 : 1.1)
        gamma = random.uniform(strong ? 0.7 : 0.9, strong ? 1.5 : 1.15)
        paper = style.paper
        paperColor = style.paperColor
        isInkOnly = style.isInkOnly
        if style.blotches > 0.4 { saturation *= 0.8 }
    }

    func callAsFunction(_ color: Color) -> Color {
        if isInkOnly { return color.luma > 0.42 ? paperColor : Color(0.04, 0.04, 0.05) }
        // A turn about the grey axis; near enough to a turn of hue for small angles.
        let (c, s) = (cos(hue * 2 * .pi), sin(hue * 2 * .pi) / 3.0.squareRoot())
        let luma = color.luma
        let third = (1 - c) / 3
        var r = color.red * (c + third) + color.green * (third - s) + color.blue * (third + s)
        var g = color.red * (third + s) + color.green * (c + third) + color.blue * (third - s)
        var b = color.red * (third - s) + color.green * (third + s) + color.blue * (c + third)
        func finish(_ value: inout Double) {
            value = luma + (value - luma) * saturation
            value = 0.5 + (value - 0.5) * contrast
            value = pow(min(max(value, 0), 1), gamma)
        }
        finish(&r)
        finish(&g)
        finish(&b)
        // Dark colours are what pencils and brushes still put on paper.
        return Color(r, g, b).mixed(with: paperColor, paper * (0.45 + 0.5 * min(max(luma, 0), 1)))
    }
}

extension Appearance {
    mutating func recolour(_ grade: Grade) {
        for part in [
            \Appearance.skin, \.hair, \.hairShade, \.iris, \.lash, \.brow, \.mouthColor, \.cloth, \.clothAccent, \.accessoryColor, \.light,
            \.eye.white, \.face.blushColor, \.face.markColor, \.face.coverColor, \.background.top, \.background.bottom,
        ] { self[keyPath: part] = grade(self[keyPath: part]) }
        hairGleam = hairGleam.map(grade.callAsFunction)
        muzzleFur = muzzleFur.map(grade.callAsFunction)
        eye.shadow = eye.shadow.map(grade.callAsFunction)
        if style.isInkOnly {
            // Skin and eyes are paper, and lines ink.
            (skin, eye.white, light) = (style.paperColor, style.paperColor, style.paperColor)
            (brow, lash, mouthColor, iris, face.lip) = (style.ink, style.ink, style.ink, style.ink, style.ink)
            hairGleam = hair.luma > 0.5 ? style.ink : style.paperColor
            hairShade = hair
        }
        if var cut = hairShape {
            cut.tip = cut.tip.map(grade.callAsFunction)
            cut.streak = cut.streak.map(grade.callAsFunction)
            hairShape = cut
        }
        if var worn = outfit {
            for part in [\Outfit.neckColor, \.headColor, \.headAccent, \.frame, \.lens, \.metal] {
                worn[keyPath: part] = grade(worn[keyPath: part])
            }
            outfit = worn
        }
        if var behind = backdrop {
            behind.colors = behind.colors.map(grade.callAsFunction)
            backdrop = behind
        }
    }
}
