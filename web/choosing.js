/** How files come here: chosen, or dropped anywhere on the page. */

import { Problem } from "./api.js";
import { sizeText } from "./words.js";

/**
 * Let a person choose, through the picker that also says where the files are, if the browser has it.
 * @param {HTMLInputElement} input For browsers that have not.
 * @returns {Promise<{file: File, handle: FileSystemFileHandle|null}[]>} None where the person thought better of it.
 */
export async function choose(input, multiple = true) {
  if (!("showOpenFilePicker" in window)) return chooseBy(input, multiple);
  try {
    const types = [{ description: "Videos", accept: { "video/*": input.accept.split(",").filter(Boolean) } }];
    const handles = await window.showOpenFilePicker({ multiple, types, excludeAcceptAllOption: false });
    return await Promise.all(handles.map(async (handle) => ({ file: await handle.getFile(), handle })));
  } catch (error) {
    if (error.name === "AbortError") return [];
    return chooseBy(input, multiple);
  }
}

/** Why the service would refuse a file anyway, which is told before its turn comes; null where it would not. */
export function refusalOf({ name, size }, { extensions, mostBytes }) {
  if (size === 0) return new Problem(422, "file_empty", "");
  if (extensions.length > 0 && !extensions.some((extension) => name.toLowerCase().endsWith(extension))) {
    return new Problem(415, "unsupported_extension", `The file's name must end in one of ${extensions.join(", ")}.`);
  }
  if (mostBytes > 0 && size > mostBytes) {
    return new Problem(413, "too_large", `A file may have at most ${sizeText(mostBytes)}.`);
  }
  return null;
}

/** What an `<input type=file>` has. */
export function filesOf(input) {
  return Array.from(input.files, (file) => ({ file, handle: null }));
}

function chooseBy(input, multiple) {
  return new Promise((resolve) => {
    const asking = new AbortController(); // or one that was closed without a choice would take the next one's files
    const end = (chosen) => {
      asking.abort();
      resolve(chosen);
    };
    const take = (event) => {
      event.stopImmediatePropagation(); // they are for who asked
      end(filesOf(input));
    };
    input.multiple = multiple;
    input.value = "";
    input.addEventListener("change", take, { capture: true, signal: asking.signal });
    input.addEventListener("cancel", () => end([]), { signal: asking.signal });
    input.click();
  });
}

/**
 * Take files that are dropped anywhere.
 * @param {HTMLElement} target Has the class `dropping` while files are held above it.
 * @param {(chosen: {file: File, handle: FileSystemFileHandle|null}[]) => void} take
 * @param {() => void} passOverFolder Called where a folder is among them, of which nothing is taken.
 */
export function takeDrops(target, take, passOverFolder) {
  let depth = 0;
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const leave = () => {
    depth = 0;
    target.classList.remove("dropping");
  };
  target.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    target.classList.add("dropping");
  });
  target.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth -= 1;
    if (depth <= 0) leave();
  });
  target.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  target.addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    leave();
    const items = Array.from(event.dataTransfer.items);
    if (items.some((item) => item.webkitGetAsEntry?.()?.isDirectory)) passOverFolder();
    take(await dropped(event.dataTransfer));
  });
}

/** The files of a drop; of a folder, none. What it holds has to be asked for before anything is waited for. */
async function dropped(transfer) {
  const items = Array.from(transfer.items).filter((item) => item.kind === "file");
  const found = items.map((item) => ({
    file: item.getAsFile(),
    entry: item.webkitGetAsEntry?.() ?? null,
    handle: item.getAsFileSystemHandle?.().catch(() => null) ?? Promise.resolve(null),
  }));
  const files = found.filter(({ file, entry }) => file !== null && !entry?.isDirectory);
  return Promise.all(files.map(async ({ file, handle }) => ({ file, handle: await handle })));
}
