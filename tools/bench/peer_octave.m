% Peer: Octave's backslash. Arguments and files as in peer_sklearn.py
1;

function x = read_npy(path) % columns are the rows of the file
  f = fopen(path, 'rb');
  fread(f, 6, 'uint8');
  version = fread(f, 2, 'uint8');
  sizes = {'uint16', 'uint32'};
  header = char(fread(f, fread(f, 1, sizes{version(1)}), 'uint8')');
  types = struct('u1', 'uint8', 'i8', 'int64', 'f8', 'double');
  type = types.(regexp(header, '''descr'': ''.(\w+)''', 'tokens'){1}{1});
  shape = str2double(strsplit(regexp(header, '\(([\d, ]*)\)', 'tokens'){1}{1}, ','));
  x = fread(f, [prod(shape(2:end)(! isnan(shape(2:end)))) shape(1)], [type '=>double']);
  fclose(f);
end

function write_npy(path, x)
  header = sprintf('{''descr'': ''<f8'', ''fortran_order'': False, ''shape'': (%d, %d), }', size(x));
  header = [header repmat(' ', 1, mod(-(11 + length(header)), 64)) "\n"];
  f = fopen(path, 'wb');
  fwrite(f, [147 'NUMPY' 1 0], 'uint8');
  fwrite(f, length(header), 'uint16');
  fwrite(f, header, 'uint8');
  fwrite(f, x', 'double');
  fclose(f);
end

function k = gram(a, b, gamma) % few temporaries; exactly symmetric for a = b, so that backslash tries Cholesky
  k = a' * b;
  k *= 2 * gamma;
  k -= gamma * sumsq(a)' + gamma * sumsq(b);
  k = exp(min(k, 0));
end

args = argv();
gamma = str2double(args{4});
ridge = str2double(args{5});
x = read_npy(args{1}) / 255;
labels = read_npy(args{2})(:);
targets = double(labels == unique(labels)');
k = gram(x, x, gamma);
if ridge
  k(1:rows(k) + 1:end) += ridge;
end
alpha = k \ targets;
clear k;
write_npy([args{6} '.alpha.npy'], alpha);
write_npy([args{6} '.scores.npy'], gram(read_npy(args{3}) / 255, x, gamma) * alpha);
