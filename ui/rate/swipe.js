// Reports a thumb that slides across a photo. Of one photo, where the thumb ends counts: data.steps numbers from the left
// edge to the right one. Of two photos, the one that is pushed aside counts. Leaving the photo up or down changes nothing.
const FURTHER = 0.15 // of the photo's width, before it is a slide

export default function ({ data, parentElement, setTriggerValue }) {
  const number = parentElement.querySelector("output")
  const listening = new AbortController()
  let slide = null
  parentElement.querySelector("p").textContent = data.hint

  const at = (touch) => {
    const { left, top, width, height } = slide.photo.getBoundingClientRect()
    const outside = touch.clientY < top - 40 || touch.clientY > top + height + 40
    if (outside || Math.abs(touch.clientX - slide.x) < FURTHER * width) return null
    if (!data.steps) return slide.place
    const share = (touch.clientX - left) / width
    return Math.min(data.steps, Math.max(1, 1 + Math.floor(share * data.steps)))
  }
  const show = (value) => {
    number.hidden = value === null
    if (value === null) return
    const { left, top, width } = slide.photo.getBoundingClientRect()
    number.textContent = data.steps ? value : "✓"
    number.style.left = `${left + width / 2}px`
    number.style.top = `${Math.max(0, top) + 60}px`
  }
  const on = (kind, act) => document.addEventListener(kind, act, { passive: true, signal: listening.signal })

  on("touchstart", ({ touches, target }) => {
    const place = data.photos.findIndex((key) => target.closest?.(`.st-key-${key}`))
    const photo = place < 0 ? null : target.closest(`.st-key-${data.photos[place]}`)
    slide = photo && touches.length === 1 ? { photo, place: place + 1, x: touches[0].clientX } : null
    if (touches.length > 1) show(null)
  })
  on("touchmove", ({ touches }) => slide && show(at(touches[0])))
  on("touchcancel", () => {
    slide = null
    show(null)
  })
  on("touchend", ({ changedTouches }) => {
    const value = slide && at(changedTouches[0])
    slide = null
    show(null)
    if (value === null) return
    listening.abort() // one answer
    setTriggerValue("swiped", value)
  })
  return () => listening.abort()
}
