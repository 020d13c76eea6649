document.getElementById("lookup").addEventListener("submit", (event) => {
  event.preventDefault();
  location.href = `verify/#id=${encodeURIComponent(document.getElementById("id").value.trim().toLowerCase())}`;
});
