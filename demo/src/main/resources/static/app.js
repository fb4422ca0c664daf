import { byId, failure, numbers } from './common.js';
import { showWorkers } from './workers.js';

const form = byId('form');
const result = byId('result');

let picture = null;
let request = new AbortController();

/* Choosing a picture: with the field, by dropping it anywhere on the page, or from the samples. */

byId('file').addEventListener('change', event => choose(event.target.files));

document.querySelectorAll('[data-sample]')
	.forEach(button => button.addEventListener('click', () => chooseSample(button.dataset.sample)));

form.size.forEach(size => size.addEventListener('change', () => picture && makeThumbnail()));

form.addEventListener('submit', event => event.preventDefault());

document.addEventListener('dragover', event => {
	event.preventDefault();
	document.body.classList.add('dragging');
});

document.addEventListener('dragleave', event => {
	if (!event.relatedTarget) {
		document.body.classList.remove('dragging');
	}
});

document.addEventListener('drop', event => {
	event.preventDefault();
	document.body.classList.remove('dragging');
	choose(event.dataTransfer.files);
});

function choose(files) {
	if (files.length > 0) {
		picture = files[0];
		makeThumbnail();
	}
}

async function chooseSample(name) {
	const signal = nextRequest();
	busy(true);
	try {
		const response = await fetch(`samples/${name}`, { signal });
		if (!response.ok) {
			throw await failure(response);
		}
		choose([new File([await response.blob()], name)]);
	}
	catch (error) {
		fail(signal, name, error);
	}
}

/* Making the thumbnail. Only the result of the latest request is shown. */

function nextRequest() {
	request.abort();
	request = new AbortController();
	return request.signal;
}

async function makeThumbnail() {
	const signal = nextRequest();
	const file = picture;
	const data = new FormData(form);
	data.set('file', file);
	const start = performance.now();
	busy(true);
	try {
		const response = await fetch('thumbnails', { method: 'POST', body: data, signal });
		if (!response.ok) {
			throw await failure(response);
		}
		const thumbnail = await response.blob();
		const took = performance.now() - start;
		await Promise.all([show(byId('original'), file), show(byId('thumbnail'), thumbnail)]);
		signal.throwIfAborted();
		describe(file, thumbnail, response.headers, took);
		result.hidden = false;
		say('The thumbnail is ready.');
	}
	catch (error) {
		fail(signal, file.name, error);
	}
	if (!signal.aborted) {
		busy(false);
		// Reset, so that the same file can be chosen again.
		byId('file').value = '';
		showWorkers();
	}
}

function fail(signal, name, error) {
	if (!signal.aborted) {
		busy(false);
		showProblem(name, error instanceof TypeError ? 'The server is not responding. Is it still running?' : error.message);
		showAttempts(error.attempts ?? []);
	}
}

function busy(isBusy) {
	document.body.classList.toggle('busy', isBusy);
	if (isBusy) {
		byId('problem').hidden = true;
		byId('exploit').hidden = true;
		say('Making the thumbnail…');
	}
}

function describe(file, thumbnail, headers, milliseconds) {
	const image = byId('thumbnail');
	byId('original-name').textContent = file.name;
	byId('original-name').title = file.name;
	byId('original-facts').textContent =
		facts(headers.get('X-Original-Width'), headers.get('X-Original-Height'), file.size);
	byId('thumbnail-facts').textContent =
		`${facts(image.naturalWidth, image.naturalHeight, thumbnail.size)}, in ${numbers.format(Math.round(milliseconds))} ms`;
}

async function show(image, blob) {
	URL.revokeObjectURL(image.src);
	const url = URL.createObjectURL(blob);
	image.src = url;
	try {
		await image.decode();
	}
	catch {
		// The browser may not support TIFF, or another picture was shown in the meantime.
		if (image.src === url) {
			image.removeAttribute('src');
		}
	}
}

function showProblem(name, text) {
	const problem = byId('problem');
	const subject = document.createElement('strong');
	subject.textContent = name;
	problem.replaceChildren(subject, ` ${text}`);
	problem.hidden = false;
	result.hidden = true;
	say('');
}

/* What an exploit tried. */
function showAttempts(attempts) {
	byId('attempts').replaceChildren(...attempts.map(({ action, refusal }) => {
		const attempt = byId('attempt').content.cloneNode(true).firstElementChild;
		attempt.dataset.refused = refusal !== null;
		attempt.querySelector('.action').textContent = action;
		attempt.querySelector('.outcome').textContent = refusal === null ? 'succeeded' : `refused: ${refusal}`;
		return attempt;
	}));
	byId('exploit').hidden = attempts.length === 0;
}

function say(text) {
	byId('status').textContent = text;
}

function facts(width, height, bytes) {
	return `${numbers.format(width)} × ${numbers.format(height)} pixels, ${size(bytes)}`;
}

function size(bytes) {
	const [value, unit] = bytes < 1000 ? [bytes, 'byte'] : bytes < 1e6 ? [bytes / 1e3, 'kilobyte'] : [bytes / 1e6, 'megabyte'];
	return new Intl.NumberFormat('en', { style: 'unit', unit, maximumSignificantDigits: 3 }).format(value);
}
