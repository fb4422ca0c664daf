export const byId = id => document.getElementById(id);

export const numbers = new Intl.NumberFormat('en');

export async function getJson(path) {
	const response = await fetch(path);
	if (!response.ok) {
		throw new Error(`${path} responded with status ${response.status}`);
	}
	return response.json();
}

/* What an unsuccessful response tells the user, as an error. */
export async function failure(response) {
	try {
		const problem = await response.json();
		return Object.assign(new Error(problem.detail), problem);
	}
	catch {
		return new Error(`The server responded with status ${response.status}.`);
	}
}
